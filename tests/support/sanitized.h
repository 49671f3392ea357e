#pragma once

namespace tailrace::test {

// Whether a sanitizer watches, under which a test does less of what it does many times. Clang says so by __has_feature.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace tailrace::test
