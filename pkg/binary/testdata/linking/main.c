/* The program of most cells: with -DLIB it uses a private library. It prints the files that were loaded. */
#include <stdio.h>
#include <string.h>

#ifdef CALL
int CALL(void);
#endif
#ifdef NEVER
int NEVER(void);
#endif
#ifdef DATA
extern int DATA;
#endif
#ifdef GNU
const char *gnu_get_libc_version(void);
#endif

int main(int argc, char **argv) {
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		char *path = strchr(line, '/');
		if (path != NULL)
			fputs(path, stdout);
	}
#ifdef CALL
	if (CALL() != 7)
		return 3;
#endif
#ifdef NEVER
	if (argc > 5)
		return NEVER();
#endif
#ifdef DATA
	if (DATA != 7)
		return 4;
#endif
#ifdef GNU
	if (gnu_get_libc_version() == NULL)
		return 5;
#endif
	return 0;
}
