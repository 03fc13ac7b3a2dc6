//go:build cgo && cxx

#include <sstream>
#include <string>

extern "C" int words() {
	std::istringstream in("two words");
	std::string word;
	int n = 0;
	while (in >> word) n++;
	return n;
}
