/* A private library; -DLESS is an older one. */
int need(void) { return 7; }
#ifndef LESS
int more(void) { return 7; }
#endif
