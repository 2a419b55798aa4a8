#include "server/http/key_gate.hpp"

#include <openssl/crypto.h>

#include <string_view>

namespace server::http {

bool KeyGate::is_shown(const Head& head) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view shown = head.authorization;
  const auto key = shown.starts_with(scheme) ? shown.substr(scheme.size()) : std::string_view();
  return key.size() == key_.size() && ::CRYPTO_memcmp(key.data(), key_.data(), key_.size()) == 0;
}

net::awaitable<std::optional<Reply>> KeyGate::admit(const Head& head, Request& request) {
  if (!is_shown(head))
    co_return problem(401, "not allowed", "the key of this server's control socket is not shown",
                      "ask by a command of apdepot, as an administrator of this host");
  request.role = Role::admin;
  co_return std::nullopt;
}

net::awaitable<bool> KeyGate::still_admits(const Head& head, const Request&) { co_return is_shown(head); }

}  // namespace server::http
