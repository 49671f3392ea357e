#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/plan/signature.h"

namespace tailrace {

// What a factory of a Catalog understands: a number, or a text, by name. A Catalog refuses all others by name, so that
// a factory sees only what it declared.
struct ParameterRule {
  std::string name;
  bool required = false;
  bool is_text = false;
};

namespace detail {
template <class Made>  // Stage or Test
struct CatalogEntry {
  std::vector<const KnownType*> takes;
  const KnownType* gives = nullptr;  // null for tests
  std::vector<ParameterRule> rules;
  std::function<Built<Made>(const Parameters&)> make;
};
struct CatalogModel {
  const KnownType* takes;
  const KnownType* gives;
  std::function<Stage(ModelUse)> make;
};
}  // namespace detail

// Names for functions, so that a flow can be written as text. An ordinary object: fill it, then give it to read_flow.
//
//   tr::Catalog catalog;
//   catalog.add_type<Image>("Image");
//   catalog.add("normalise", normalise).add_test("confident", confident);
//   catalog.add_model<Pixels, Scores>("digit");
//   catalog.add_factory("scale", {{"by"}}, [](const tr::Parameters& p) { return Scale{p.number("by", 1)}; });
//   auto classify = tr::read_flow<Image, Label>(text, catalog);
//
// A mistake (a name given twice) is recorded in problems() and reported by read_flow; the first one added stays. Copies
// are independent; functions are shared. Several threads may read one Catalog, and none may while one adds to it.
class Catalog {
 public:
  // A stage: a function, a lambda, a model, or one of these with options (tr::stage). One that takes several inputs is
  // for "join". What it takes is read from its signature; of a generic or overloaded one it is named:
  // add<Image>("normalise", f).
  template <class... In, class F>
  Catalog& add(std::string name, F f);

  // A question about one value: an exit test, a validity test or a selector.
  template <class... In, class F>
  Catalog& add_test(std::string name, F f);

  // A stage, or a test, with parameters: `factory` takes `const Parameters&` and gives a callable, or Built<callable>
  // where a value may be wrong. In JSON: {"scale": {"by": 0.0625}}. `rules` are the parameters that it knows.
  template <class... In, class Factory>
  Catalog& add_factory(std::string name, std::vector<ParameterRule> rules, Factory factory);
  template <class... In, class Factory>
  Catalog& add_test_factory(std::string name, std::vector<ParameterRule> rules, Factory factory);

  // A name for a type, as a flow's "input" gives it. The types of added functions are known without it, under the names
  // that error messages use.
  template <class T>
  Catalog& add_type(std::string name) {
    return name_type(std::move(name), detail::known<T>::value);
  }

  // How models of a name are called: with an In, for an Out. Two of one name must take different types.
  template <class In, class Out>
  Catalog& add_model(std::string name, Conversion<In, Out> conversion = row_conversion<In, Out>());
  // The same for every name that add_model does not know.
  template <class In, class Out>
  Catalog& default_model(Conversion<In, Out> conversion = row_conversion<In, Out>()) {
    return add_model<In, Out>({}, std::move(conversion));
  }

  // The join that makes a tuple of values of these types: {"join": "tuple"}.
  template <class... T>
  requires(sizeof...(T) >= 2) Catalog& add_tuple();

  // What went wrong while it was filled.
  const Problems& problems() const noexcept { return problems_; }

  // ---- Without C++ types: what readers of flows ask. Each problem names the nearest known name.

  Built<Stage> stage(const std::string& name, const Parameters& parameters = {}) const;
  Built<Test> test(const std::string& name, const Parameters& parameters = {}) const;
  Built<Stage> model(const std::string& name, const Need& need, const Type& takes) const;
  Built<Stage> tuple(const std::vector<const Type*>& takes) const;
  Built<const Type*> type(const std::string& name) const;

  // The name that add_type gave, or else the one that error messages use.
  std::string type_name(const Type& type) const;
  // Null where no known type fits.
  const EachIn* each_in(const Type& whole) const;
  const EachOut* each_out(const Type& element, bool keeps_errors) const;
  const ExitOps* exit_ops(const Type& whole) const;
  const Equality* equality(const Type& type) const;

  // What is in it, for people: "scale(by, offset): Tensor -> Tensor", a line each, in the order of names.
  std::string describe() const;

 private:
  using StageEntry = detail::CatalogEntry<Stage>;
  using TestEntry = detail::CatalogEntry<Test>;

  Catalog& put(std::string name, StageEntry entry);
  Catalog& put_test(std::string name, TestEntry entry);
  Catalog& put_model(std::string name, detail::CatalogModel model);
  Catalog& put_tuple(std::vector<const detail::KnownType*> types, Stage stage);
  Catalog& name_type(std::string name, const detail::KnownType& type);
  void see(const detail::KnownType* type);

  std::map<std::string, StageEntry> stages_;
  std::map<std::string, TestEntry> tests_;
  std::map<std::string, std::vector<detail::CatalogModel>> models_;  // "": the default
  std::vector<Stage> tuples_;
  std::vector<std::pair<std::string, const detail::KnownType*>> type_names_;
  std::vector<const detail::KnownType*> types_;
  Problems problems_;
};

// ---- Mistakes that do not compile. Each stands in a class template whose name is the sentence.

template <bool Ok, class Function>
struct catalog_cannot_read_what_this_takes {
  static_assert(Ok,
                "tailrace: what this function takes cannot be read from its signature (it is generic, overloaded or "
                "not const); name it: catalog.add<In>(name, f)");
};
template <bool Ok, class Function>
struct catalog_function_must_be_callable {
  static_assert(Ok, "tailrace: this function cannot be called with those types, or not as const, or returns nothing");
};
template <bool Ok, class Test>
struct catalog_test_must_judge_one_value {
  static_assert(Ok,
                "tailrace: a test takes one value by const reference and gives a bool, or a selector an arm's number");
};

namespace detail {

// What is right, and complaints of what is not, apart from each other: see flow/mistakes.h.

template <class F, class... In>
constexpr bool good_function(type_list<In...> inputs) {
  if constexpr (sizeof...(In) == 0) return false;
  else if constexpr (!takes_all<F>(inputs)) return false;
  else return !std::is_void_v<gives_t<F, In...>>;
}
template <class F, class... In>
void complain_of_function(type_list<In...>) {
  if constexpr (sizeof...(In) == 0) (void)sizeof(catalog_cannot_read_what_this_takes<false, F>);
  else (void)sizeof(catalog_function_must_be_callable<false, F>);
}
template <class F, class... In>
constexpr bool good_judge(type_list<In...>) {
  if constexpr (sizeof...(In) != 1) return false;
  else return requires(const bare_t<F>& f, const In&... v) {
      static_cast<std::size_t>(std::invoke(f, v...));
    };
}
template <class F, class... In>
void complain_of_judge(type_list<In...>) {
  if constexpr (sizeof...(In) == 0) (void)sizeof(catalog_cannot_read_what_this_takes<false, F>);
  else (void)sizeof(catalog_test_must_judge_one_value<false, F>);
}
template <class F, class... In>
const KnownType* known_result(type_list<In...>) {
  return &known<gives_t<F, In...>>::value;
}

// What a factory gives, finished by `finish` unless it gave problems.
template <class Made, class Factory, class Finish>
Built<Made> manufacture(const Factory& factory, const Parameters& parameters, Finish finish) {
  auto made = factory(parameters);
  if constexpr (std::is_same_v<decltype(made), Built<made_t<Factory>>>) {
    if (!made) return made.error();
    return finish(*std::move(made));
  } else {
    return finish(std::move(made));
  }
}

}  // namespace detail

template <class... In, class F>
Catalog& Catalog::add(std::string name, F f) {
  using Inputs = detail::inputs_t<F, In...>;
  if constexpr (!detail::good_function<F>(Inputs{})) {
    detail::complain_of_function<F>(Inputs{});
  } else {
    StageEntry entry{detail::known_types(Inputs{}), detail::known_result<F>(Inputs{}), {}, nullptr};
    entry.make = [made = detail::make_stage_of(std::move(f), Inputs{})](const Parameters&) -> Built<Stage> {
      return made;
    };
    put(std::move(name), std::move(entry));
  }
  return *this;
}

template <class... In, class F>
Catalog& Catalog::add_test(std::string name, F f) {
  using Inputs = detail::inputs_t<F, In...>;
  if constexpr (!detail::good_judge<F>(Inputs{})) {
    detail::complain_of_judge<F>(Inputs{});
  } else {
    TestEntry entry{detail::known_types(Inputs{}), nullptr, {}, nullptr};
    entry.make = [made = detail::make_test_of(std::move(f), Inputs{})](const Parameters&) -> Built<Test> {
      return made;
    };
    put_test(std::move(name), std::move(entry));
  }
  return *this;
}

template <class... In, class Factory>
Catalog& Catalog::add_factory(std::string name, std::vector<ParameterRule> rules, Factory factory) {
  using F = detail::made_t<Factory>;
  using Inputs = detail::inputs_t<F, In...>;
  if constexpr (!detail::good_function<F>(Inputs{})) {
    detail::complain_of_function<F>(Inputs{});
  } else {
    StageEntry entry{detail::known_types(Inputs{}), detail::known_result<F>(Inputs{}), std::move(rules), nullptr};
    entry.make = [factory = std::move(factory)](const Parameters& parameters) {
      return detail::manufacture<Stage>(factory, parameters,
                                        [](F f) { return detail::make_stage_of(std::move(f), Inputs{}); });
    };
    put(std::move(name), std::move(entry));
  }
  return *this;
}

template <class... In, class Factory>
Catalog& Catalog::add_test_factory(std::string name, std::vector<ParameterRule> rules, Factory factory) {
  using F = detail::made_t<Factory>;
  using Inputs = detail::inputs_t<F, In...>;
  if constexpr (!detail::good_judge<F>(Inputs{})) {
    detail::complain_of_judge<F>(Inputs{});
  } else {
    TestEntry entry{detail::known_types(Inputs{}), nullptr, std::move(rules), nullptr};
    entry.make = [factory = std::move(factory)](const Parameters& parameters) {
      return detail::manufacture<Test>(factory, parameters,
                                       [](F f) { return detail::make_test_of(std::move(f), Inputs{}); });
    };
    put_test(std::move(name), std::move(entry));
  }
  return *this;
}

template <class In, class Out>
Catalog& Catalog::add_model(std::string name, Conversion<In, Out> conversion) {
  return put_model(std::move(name),
                   {&detail::known<In>::value, &detail::known<Out>::value,
                    [conversion = std::make_shared<const Conversion<In, Out>>(std::move(conversion))](ModelUse use) {
                      return detail::make_stage<In>(ModelStage<In, Out>(std::move(use), conversion));
                    }});
}

template <class... T>
requires(sizeof...(T) >= 2) Catalog& Catalog::add_tuple() {
  return put_tuple({&detail::known<T>::value..., &detail::known<std::tuple<T...>>::value},
                   detail::make_stage<T...>([](T... v) { return std::tuple<T...>(std::move(v)...); }));
}

}  // namespace tailrace
