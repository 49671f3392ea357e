#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/core/problems.h"

namespace tailrace {

// A named number or string given to a function when a flow is built, for example {"least", 0.8}.
struct Parameter {
  std::string name;
  double number = 0;
  std::string text;
  bool is_text = false;

  template <class N>
  requires std::is_arithmetic_v<N> Parameter(std::string n, N v) : name(std::move(n)), number(static_cast<double>(v)) {}
  Parameter(std::string n, std::string v) : name(std::move(n)), text(std::move(v)), is_text(true) {}
  Parameter(std::string n, const char* v) : Parameter(std::move(n), std::string(v)) {}
  bool operator==(const Parameter&) const = default;
};

// The parameters of one function, in the order given.
class Parameters {
 public:
  Parameters() = default;
  Parameters(std::initializer_list<Parameter> list) : list_(list) {}
  void add(Parameter p) { list_.push_back(std::move(p)); }

  // The parameter's value, or `otherwise` where it was not given or is of the other kind. Of two with one name the
  // first counts.
  double number(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, std::string otherwise) const;
  bool has(std::string_view name) const;

  // Names that are none of `known`: what a factory reports as a mistake.
  std::vector<std::string> unknown(std::initializer_list<std::string_view> known) const;

  const std::vector<Parameter>& list() const noexcept { return list_; }
  bool empty() const noexcept { return list_.empty(); }
  bool operator==(const Parameters&) const = default;

 private:
  std::vector<Parameter> list_;
};

// Which policy decides, by its name in a PolicyCatalog, and its parameters: plain data.
struct PolicyUse {
  std::string name;
  Parameters parameters{};
  bool operator==(const PolicyUse&) const = default;
};

}  // namespace tailrace
