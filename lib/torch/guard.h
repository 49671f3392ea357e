#pragma once
#include <c10/util/Exception.h>

#include <cctype>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "tailrace/core/error.h"

// What stands around every call into LibTorch: silence, and exceptions made into errors.
namespace tailrace::torch::detail {

// LibTorch's warnings on this thread go nowhere while it lives.
class Quiet {
  struct Silence : c10::WarningHandler {
    void process(const c10::Warning&) override {}
  };
  static c10::WarningHandler* silence() {
    static Silence handler;
    return &handler;
  }
  c10::WarningUtils::WarningHandlerGuard guard_{silence()};
};

// The line of a LibTorch message that says what went wrong: the last one of an interpreter's report, else the first.
inline std::string gist(std::string_view message) {
  while (!message.empty() && std::isspace(static_cast<unsigned char>(message.back()))) message.remove_suffix(1);
  if (message.find("Traceback of TorchScript") != message.npos) {
    const auto last = message.rfind('\n');
    if (last != message.npos) message.remove_prefix(last + 1);
  }
  message = message.substr(0, message.find('\n'));
  for (std::string_view noise : {"RuntimeError: ", "Exception: "})
    if (message.starts_with(noise)) message.remove_prefix(noise.size());
  return std::string(message);
}

// What the exception now being handled says. REQUIRES: inside a catch block.
inline Error caught(Code code, const std::string& where, const std::string& before = {}) noexcept {
  try {
    try {
      throw;
    } catch (const c10::Error& e) {
      return {code, where, before + gist(e.what_without_backtrace())};
    } catch (const std::bad_alloc&) {
      return {Code::out_of_memory, where, "no memory for this call"};
    } catch (const std::exception& e) {
      return {code, where, before + gist(e.what())};
    } catch (...) {
      return {code, where, "threw something that is no std::exception"};
    }
  } catch (...) {
    return {Code::out_of_memory, where, "no memory for an error's text"};
  }
}

}  // namespace tailrace::torch::detail
