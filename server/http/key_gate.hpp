#pragma once
#include <string>
#include <utility>

#include "server/http/gate.hpp"

namespace server::http {

// Lets in, as an administrator, who shows the key of the control socket as a bearer's token; for a system
// that does not say who connects (server/os/control_socket). On the loop.
class KeyGate : public Gate {
 public:
  explicit KeyGate(std::string key) : key_(std::move(key)) {}
  net::awaitable<std::optional<Reply>> admit(const Head& head, Request& request) override;
  net::awaitable<bool> still_admits(const Head& head, const Request& request) override;
  bool is_proxy(const net::ip::address&) const override { return false; }
  std::vector<std::pair<std::string, std::string>> headers(bool) const override { return {}; }

 private:
  bool is_shown(const Head& head) const;

  const std::string key_;  // never empty
};

}  // namespace server::http
