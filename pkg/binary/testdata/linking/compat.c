/* A loader in the manner of gcompat: it starts musl's loader on the program. With -DGNU: its library. */
#ifdef GNU
const char *gnu_get_libc_version(void) { return "2.8"; }
#else
#include <unistd.h>

int main(int argc, char **argv) {
	static char target[4096];
	char *args[64] = {"ld-musl-x86_64.so.1", "--preload", "/lib/libgcompat.so.0", "--argv0", argv[0], "--", target};
	int i;

	if (argc > 50 || readlink("/proc/self/exe", target, sizeof target - 1) < 0)
		return 1;
	for (i = 1; i < argc; i++)
		args[6 + i] = argv[i];
	execv("/lib/ld-musl-x86_64.so.1", args);
	return 1;
}
#endif
