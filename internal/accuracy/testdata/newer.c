/* A function of a glibc that there is not yet: what is linked with this wants version GLIBC_2.99 of libm.so.6. */
int newer(void) { return 1; }
