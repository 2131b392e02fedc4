#include <stdio.h>
#include "sum.h"

int main(void) { printf("sum %d\n", sum(1, 20)); return 0; }
