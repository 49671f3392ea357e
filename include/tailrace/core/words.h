#pragma once
#include <string>

namespace tailrace {

// A time for people, in the unit that fits, with three digits: "12.5 us"; "unknown" where it is below 0.
std::string time_in_words(double seconds);

}  // namespace tailrace
