#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace server {

// What the first administrator types in, once: who sees the server's terminal or its log may become one. In
// memory alone. On the loop.
class SetupCode {
 public:
  void make();                                                      // a new one
  void forget() { code_.reset(); }                                  // somebody is an administrator
  const std::optional<std::string>& text() const { return code_; }  // "K7Q2-9FXM"
  // However it is written: without the dash, in lower case.
  bool is(std::string_view typed) const;

 private:
  std::optional<std::string> code_;
};

}  // namespace server
