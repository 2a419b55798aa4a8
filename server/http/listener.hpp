#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/http/connection.hpp"
#include "server/http/gate.hpp"
#include "server/http/key_gate.hpp"
#include "server/http/router.hpp"
#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/loop/shares.hpp"
#include "server/os/control_socket.hpp"
#include "server/os/listener_wait.hpp"

namespace server::http {

// Takes HTTP connections, and answers what comes on them by the router's table. A client that is slow, says
// nothing or asks without end holds up nobody else: administrators, other users of this host and, at the
// doors of the metrics and of the page, each address have shares of their own. Lives on the loop; what it has
// taken lives as long as the loop.
class Listener {
 public:
  static constexpr std::size_t most_of_administrators = 16, most_of_viewers = 48, most_at_metrics = 64,
                               most_of_an_address = 16, most_at_page = 256, most_at_page_each = 32;
  // Bytes of answers that nobody has read yet, in all and of one address.
  static constexpr std::size_t most_unsent = 32 << 20, most_unsent_each = 8 << 20;
  // TLS handshakes under way, and of one address, as for images.
  static constexpr std::size_t most_handshakes = 64, most_handshakes_each = 8;
  using Tls = std::shared_ptr<net::ssl::context>;

  // `workers` do handshakes.
  Listener(net::io_context& loop, Workers& workers, const Router& router, Answered answered)
      : loop_(loop), workers_(workers), router_(router), answered_(std::move(answered)) {}

  // With a key, for those alone who show it; once.
  void serve_control(ControlSocket::Acceptor acceptor, std::string key);
  void serve_metrics(tcp::acceptor acceptor);
  // `tls` gives what a new connection is to use, or null where there is no certificate; without `tls` the
  // page is served in the clear.
  void serve_page(tcp::acceptor acceptor, Gate& gate, std::function<Tls()> tls);
  void close();  // takes no more; answers what it has taken

 private:
  template <class Acceptor>
  struct Door {
    explicit Door(Acceptor opened)
        : acceptor(std::move(opened)), wait(acceptor), pause(acceptor.get_executor()) {}
    Acceptor acceptor;
    ListenerWait wait;
    net::steady_timer pause;
    WaitMemory pause_memory;
    Gate* gate = nullptr;  // of the page, or of a control socket with a key
    std::function<Tls()> tls{};
  };
  template <class Acceptor>
  using Doors = std::vector<std::shared_ptr<Door<Acceptor>>>;
  template <class Acceptor>
  void listen(const std::shared_ptr<Door<Acceptor>>& door);
  template <class Acceptor>
  bool accept(Door<Acceptor>& door) noexcept;
  void talk(ControlSocket::Protocol::socket socket, const Door<ControlSocket::Acceptor>& door);
  void talk(tcp::socket socket, const Door<tcp::acceptor>& door);

  net::io_context& loop_;
  Workers& workers_;
  const Router& router_;
  const Answered answered_;
  std::optional<KeyGate> key_gate_;
  Doors<ControlSocket::Acceptor> control_;
  Doors<tcp::acceptor> metrics_, page_;
  Shares administrators_{most_of_administrators, most_of_administrators};
  Shares viewers_{most_of_viewers, most_of_viewers};
  Shares at_metrics_{most_at_metrics, most_of_an_address};
  Shares at_page_{most_at_page, most_at_page_each};
  Shares of_proxies_{most_at_page, most_at_page};  // who have the page's users behind them
  Shares unsent_{most_unsent, most_unsent_each};
  Shares handshakes_{most_handshakes, most_handshakes_each};
};

}  // namespace server::http
