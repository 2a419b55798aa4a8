#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace test {

// What a reader does that a hostile archive has taken over, or broken. The unit tests' own program is started
// as one.
constexpr std::string_view bad_reader_word = "bad-reader";

int run_bad_reader(std::string_view name);
inline std::vector<std::string> bad_reader(std::string_view name) {
  return {"/proc/self/exe", std::string(bad_reader_word), std::string(name)};
}

}  // namespace test
