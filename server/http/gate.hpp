#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/http/message.hpp"

namespace server::http {

// The headers by which a door finds out who asks. All are the client's: hostile.
struct Head {
  std::string host{}, origin{}, fetch_site{}, cookie{}, authorization{}, csrf{}, forwarded_for{},
      forwarded_proto{};
  std::size_t hosts = 0;  // how often Host stands there
  net::ip::address peer{};
  bool tls = false;
};

// Who may come in by the page's door. On the loop; outlives the connections' last turn.
class Gate {
 public:
  virtual ~Gate() = default;
  // Fills in who asks; or gives what a request that is not let in is answered.
  virtual net::awaitable<std::optional<Reply>> admit(const Head& head, Request& request) = 0;
  // Whether who was let in with `head` still is, for an answer that goes on and on. `request` is as admit()
  // has filled it in.
  virtual net::awaitable<bool> still_admits(const Head& head, const Request& request) = 0;
  // Whether a connection from there may carry many clients' requests.
  virtual bool is_proxy(const net::ip::address& peer) const = 0;
  // What each answer carries.
  virtual std::vector<std::pair<std::string, std::string>> headers(bool secure) const = 0;
};

}  // namespace server::http
