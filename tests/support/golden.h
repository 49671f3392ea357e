#pragma once
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace tailrace::test {

// The text of tests/golden/NAME.txt. With UPDATE_GOLDEN in the environment it is written anew instead, to be read and
// committed.
inline std::string golden(const std::string& name, const std::string& now) {
  const std::string path = std::string(TEST_SOURCE_DIR) + "/golden/" + name + ".txt";
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(path) << now;
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace tailrace::test
