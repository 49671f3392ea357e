#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tailrace/core/result.h"

namespace tailrace {

// One thing that is wrong with a flow, a file or an option: where, and a full sentence that names what was found and
// what was expected.
struct Problem {
  Code code = Code::invalid_flow;
  std::string where;
  std::string what;
};

// Everything that is wrong with what a user built, all at once; the error type of building.
class Problems {
 public:
  Problems() = default;
  Problems(Code code, std::string where, std::string what) { add(code, std::move(where), std::move(what)); }

  void add(Code code, std::string where, std::string what);
  void add(Problems more);

  bool empty() const noexcept { return list_.empty(); }
  std::size_t size() const noexcept { return list_.size(); }
  const std::vector<Problem>& list() const noexcept { return list_; }

  // The first problem's code and place; `internal_error` and no place where there is none.
  Code code() const noexcept;
  const std::string& where() const noexcept;
  // One line a problem: "where: what", or `what` alone where no place applies.
  std::string what() const;

 private:
  std::vector<Problem> list_;
};

// For people: what() of them all.
inline std::string describe(const Problems& problems) { return problems.what(); }

// What building gives: a value, or all that is wrong.
template <class T>
using Built = Result<T, Problems>;

// The name among `known` that is nearest to `name` by edit distance, in the form of a hint such as
// " (did you mean 'normalise'?)"; empty where nothing is near: a third of the longer name may differ, or one character.
std::string nearest_hint(const std::string& name, const std::vector<std::string>& known);

}  // namespace tailrace
