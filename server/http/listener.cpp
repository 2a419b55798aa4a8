#include "server/http/listener.hpp"

#include <exception>

#include "server/http/connection.hpp"
#include "server/loop/succeeds.hpp"

namespace server::http {
namespace {

using namespace std::chrono_literals;

constexpr int accepted_at_once = 16;
constexpr std::chrono::seconds idle{10}, idle_on_page{60};

}  // namespace

void Listener::serve_control(ControlSocket::Acceptor acceptor, std::string key) {
  auto door = std::make_shared<Door<ControlSocket::Acceptor>>(std::move(acceptor));
  if (!key.empty()) door->gate = &key_gate_.emplace(std::move(key));
  listen(control_.emplace_back(std::move(door)));
}

void Listener::serve_metrics(tcp::acceptor acceptor) {
  listen(metrics_.emplace_back(std::make_shared<Door<tcp::acceptor>>(std::move(acceptor))));
}

void Listener::serve_page(tcp::acceptor acceptor, Gate& gate, std::function<Tls()> tls) {
  auto door = std::make_shared<Door<tcp::acceptor>>(std::move(acceptor));
  door->gate = &gate;
  door->tls = std::move(tls);
  listen(page_.emplace_back(std::move(door)));
}

// Closes a connection that has no share left.
void Listener::talk(ControlSocket::Protocol::socket socket, const Door<ControlSocket::Acceptor>& door) {
  const bool admin = is_of_administrator(socket);
  auto share = (admin ? administrators_ : viewers_).take(net::ip::address());
  if (!share) return;
  net::co_spawn(loop_,
                talk_to(std::move(socket), {router_, answered_, unsent_, http::Door::control,
                                            admin ? Role::admin : Role::viewer, idle, door.gate}),
                [share = std::move(share)](const std::exception_ptr&) {});  // what broke off was one client's
}

void Listener::talk(tcp::socket socket, const Door<tcp::acceptor>& door) {
  error_code error;
  const auto client = socket.remote_endpoint(error);
  if (error) return;
  const bool proxy = door.gate && door.gate->is_proxy(client.address());
  auto& shares = proxy ? of_proxies_ : door.gate ? at_page_ : at_metrics_;
  auto share = proxy ? shares.take(client.address()) : shares.take_and_leave(client.address());
  if (!share) return;
  auto ended = [share = std::move(share)](const std::exception_ptr&) {};
  if (!door.gate)
    return net::co_spawn(loop_,
                         talk_to(std::move(socket), {router_, answered_, unsent_, http::Door::metrics,
                                                     Role::viewer, idle, nullptr, client.address()}),
                         std::move(ended));
  const Talk talk{router_,    answered_,    unsent_,   http::Door::page,
                  Role::none, idle_on_page, door.gate, client.address()};
  if (!door.tls) return net::co_spawn(loop_, talk_to(std::move(socket), talk), std::move(ended));
  auto tls = door.tls();
  if (!tls) return;  // there is no certificate, or not yet: the connection ends
  auto stream = std::make_shared<PatientStream>(loop_, ByteStream(std::move(socket), std::move(tls)));
  net::co_spawn(loop_, talk_over_tls(std::move(stream), workers_, handshakes_, talk), std::move(ended));
}

void Listener::close() {
  const auto close = [](const auto& doors) {
    for (const auto& door : doors) {
      error_code ignored;
      door->acceptor.close(ignored);
      door->pause.cancel();
    }
  };
  close(control_);
  close(metrics_);
  close(page_);
}

// As for TFTP and SSH, a wait takes no memory that there may not be: nobody could ask until a restart.
template <class Acceptor>
void Listener::listen(const std::shared_ptr<Door<Acceptor>>& door) {
  door->acceptor.non_blocking(true);
  door->wait.start(door->acceptor, [this, door] {
    if (!door->acceptor.is_open()) return;
    if (accept(*door)) return listen(door);
    door->pause.expires_after(100ms);
    door->pause.async_wait(net::bind_allocator(door->pause_memory.allocator(), [this, door](error_code) {
      if (door->acceptor.is_open()) listen(door);
    }));
  });
}

// Those that wait, or some of them. False when there is no descriptor or no memory for one.
template <class Acceptor>
bool Listener::accept(Door<Acceptor>& door) noexcept {
  bool enough = true;
  for (int i = 0; i < accepted_at_once && enough; ++i) {
    bool more = false;
    enough = succeeds([&] {
      typename Acceptor::protocol_type::socket socket(loop_);
      error_code error;
      door.acceptor.accept(socket, error);
      more = error != net::error::would_block;
      // Windows says reset of who is gone already.
      if (!more || error == net::error::connection_aborted || error == net::error::connection_reset) return;
      if (error) throw std::system_error(error);
      talk(std::move(socket), door);
    });
    if (!more) break;
  }
  return enough;
}

}  // namespace server::http
