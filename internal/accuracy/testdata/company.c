/* A source of names for glibc: it knows one address for whatever name. Source: glibc's manual, "NSS Modules Interface". */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <string.h>

enum nss_status _nss_company_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t size, int *errnop, int *herrnop, int *ttlp)
{
	size_t length = strlen(name) + 1;
	if (*pat == NULL) {
		size_t skip = -(size_t)buffer % sizeof(void *);
		if (size < skip + sizeof(**pat) + length) {
			*errnop = ERANGE;
			*herrnop = NETDB_INTERNAL;
			return NSS_STATUS_TRYAGAIN;
		}
		*pat = (struct gaih_addrtuple *)(buffer + skip);
		buffer += skip + sizeof(**pat);
	}
	memcpy(buffer, name, length);
	memset(*pat, 0, sizeof(**pat));
	(*pat)->name = buffer;
	(*pat)->family = AF_INET;
	(*pat)->addr[0] = inet_addr("192.0.2.7");
	return NSS_STATUS_SUCCESS;
}
