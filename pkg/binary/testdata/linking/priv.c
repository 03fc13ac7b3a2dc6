/* A private library; the macros make variants of it. */
#ifdef CALLS
int CALLS(void);
int outer(void) { return CALLS(); }
#else
int priv(void) { return 7; }
#ifndef LESS
int extra(void) { return 7; }
int datum = 7;
#endif
#endif
