#include <algorithm>
#include <tailrace/tailrace.h>
int main(){}
