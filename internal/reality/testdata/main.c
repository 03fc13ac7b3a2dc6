/* A program that needs what the macros say. */
#include <stdio.h>

#ifdef NEED
int need(void);
int more(void);
#endif
#ifdef GNU
const char *gnu_get_libc_version(void);
#endif

int main(int argc, char **argv) {
#ifdef NEED
	if (need() != 7 || (argc > 5 && more() != 7))
		return 3;
#endif
#ifdef GNU
	if (gnu_get_libc_version() == NULL)
		return 4;
#endif
	puts("hello");
	return 0;
}
