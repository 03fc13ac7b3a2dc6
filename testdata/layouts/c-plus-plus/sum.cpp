#include "sum.h"
#include <numeric>
#include <vector>

int sum(int a, int b) {
	std::vector<int> v{a, b};
	return std::accumulate(v.begin(), v.end(), 0);
}
