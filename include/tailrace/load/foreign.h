#pragma once
#include <optional>

namespace tailrace::load {

// Processor time that everybody else used since this was made, as a share of the machine: what /proc/stat calls busy,
// without this process's own. A measurement with more than a hundredth of it says little. Takes no memory. Linux only;
// elsewhere, and where /proc is hidden, it is absent.
class ForeignLoad {
 public:
  ForeignLoad() noexcept;
  std::optional<double> share() const noexcept;

 private:
  double wall_, own_;
  std::optional<double> busy_;
};

}  // namespace tailrace::load
