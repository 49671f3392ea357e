#include <tailrace/tailrace.h>
