#pragma once
#include <cstdint>
#include <string>

// Where and when something is measured, and what memory it takes.
namespace tailrace::detail {

std::string this_machine();  // "AMD EPYC, 2 usable"
std::string today();         // "2026-11-22", UTC

// Memory of this process that is in use, in bytes; 0 where the system does not say. Linux only.
std::uint64_t resident_bytes() noexcept;
// The most of it since the last reset_peak, or else since the process began.
std::uint64_t peak_bytes() noexcept;
void reset_peak() noexcept;
// Gives memory that was freed back to the system, so that what comes next is seen to grow.
void return_freed_memory() noexcept;

}  // namespace tailrace::detail
