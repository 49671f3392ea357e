#include "tailrace/plan/json.h"

#include "plan/json_read.h"

namespace tailrace {

namespace {

Built<std::shared_ptr<const Graph>> read(std::string_view text, const Catalog& catalog, const Type* in,
                                         const Type* out) {
  auto root = detail::parse_json(text);
  if (!root) return root.error();
  try {
    return detail::FlowReader(catalog).read(*root, in, out);
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "", "the flow does not fit into memory");
  } catch (const std::exception& e) {  // a factory of the user's
    return Problems(Code::stage_failed, "", std::string("a factory of the catalog threw: ") + e.what());
  }
}

}  // namespace

Built<std::shared_ptr<const Graph>> read_graph(std::string_view text, const Catalog& catalog) {
  return read(text, catalog, nullptr, nullptr);
}

Built<std::shared_ptr<const Graph>> detail::read_ends(std::string_view text, const Catalog& catalog, const Type& in,
                                                      const Type& out) {
  return read(text, catalog, &in, &out);
}

}  // namespace tailrace
