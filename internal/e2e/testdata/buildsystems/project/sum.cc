#include "sum.h"

int sum(int a, int b) { return twice(a + b); }
