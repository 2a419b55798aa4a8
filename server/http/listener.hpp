#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "server/http/router.hpp"
#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/os/control_socket.hpp"

namespace server::http {

// Takes HTTP connections, and answers what comes on them by the router's table. A client that is slow, says
// nothing or asks without end holds up nobody else. Lives on the loop; what it has taken lives as long as the
// loop.
class Listener {
 public:
  static constexpr std::size_t most_connections = 64;  // at all doors together

  Listener(net::io_context& loop, const Router& router) : loop_(loop), router_(router) {}

  void serve(ControlSocket control);
  void serve(tcp::acceptor metrics);
  void close();  // takes no more; answers what it has taken

 private:
  template <class Acceptor>
  struct Door {
    Door(Acceptor opened, http::Door kind_)
        : acceptor(std::move(opened)), kind(kind_), pause(acceptor.get_executor()) {}
    Acceptor acceptor;
    const http::Door kind;
    net::steady_timer pause;
    WaitMemory wait_memory, pause_memory;
  };
  template <class Acceptor>
  void listen(const std::shared_ptr<Door<Acceptor>>& door);
  template <class Acceptor>
  bool accept(Door<Acceptor>& door) noexcept;

  net::io_context& loop_;
  const Router& router_;
  std::vector<std::shared_ptr<Door<ControlSocket::Acceptor>>> control_;
  std::vector<std::shared_ptr<Door<tcp::acceptor>>> metrics_;
  std::vector<ControlSocket> files_;
  std::shared_ptr<std::size_t> connections_ = std::make_shared<std::size_t>(0);
};

}  // namespace server::http
