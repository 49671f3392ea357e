#pragma once

// The program's operator new, which fails when it is told to.
namespace tailrace::test {

extern int memory_left;  // allocations until one fails; below 0: none does. One thread

}  // namespace tailrace::test
