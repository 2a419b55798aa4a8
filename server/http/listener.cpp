#include "server/http/listener.hpp"

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <exception>
#include <memory>
#include <optional>

#include "server/loop/succeeds.hpp"

namespace server::http {
namespace {

namespace beast = boost::beast;
namespace wire = boost::beast::http;
using namespace std::chrono_literals;
using Stream = beast::basic_stream<net::generic::stream_protocol>;
using Asked = wire::request<wire::string_body>;

constexpr std::size_t most_header = 8 << 10, most_buffered = 16 << 10;
constexpr auto patience = 10s;  // for a whole request, and for the client to take its answer
constexpr int accepted_at_once = 16;

// What is shared by the connections of one door.
struct Talk {
  const Router& router;
  http::Door door;
  Role role;
};

// Of a header such as "Application/JSON; charset=utf-8".
std::string type_of(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

Request request_of(const Asked& asked, Role role) {
  Request request{std::string(asked.method_string()),
                  std::string(asked.target()),
                  {},
                  std::string(asked[wire::field::accept]),
                  role,
                  type_of(asked[wire::field::content_type]),
                  asked.body(),
                  {},
                  Proof::needless};
  if (const auto mark = request.path.find('?'); mark != request.path.npos) {
    request.query = request.path.substr(mark + 1);
    request.path.resize(mark);
  }
  return request;
}

// What an endpoint answers, at once or later: the answer may outlive the connection, and what waits for it.
struct Awaited {
  explicit Awaited(const net::any_io_executor& executor) : wake(executor, Wake::time_point::max()) {}
  using Wake = net::steady_timer;
  Wake wake;
  std::optional<Reply> reply;
};

net::awaitable<Reply> answer_of(const Asked& asked, const Talk& talk) {
  const auto awaited = std::make_shared<Awaited>(co_await net::this_coro::executor);
  talk.router.answer(request_of(asked, talk.role), talk.door, Respond([awaited](Reply reply) {
                       awaited->reply = std::move(reply);
                       awaited->wake.cancel();
                     }));
  while (!awaited->reply) co_await awaited->wake.async_wait(net::as_tuple(net::use_awaitable));
  co_return std::move(*awaited->reply);
}

wire::response<wire::string_body> response_of(Reply reply, const Asked& asked) {
  wire::response<wire::string_body> response{static_cast<wire::status>(reply.status), asked.version()};
  response.set(wire::field::content_type, reply.type);
  response.set(wire::field::cache_control, "no-store");
  response.set(wire::field::server, "apdepot");
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(asked.keep_alive());
  response.body() = std::move(reply.body);
  response.prepare_payload();
  if (asked.method() == wire::verb::head) response.body().clear();  // its length stays
  return response;
}

wire::response<wire::string_body> refusal(wire::status status, const char* title, const std::string& detail) {
  const auto reply = problem(static_cast<unsigned>(status), title, detail);
  wire::response<wire::string_body> response{status, 11};
  response.set(wire::field::content_type, reply.type);
  response.keep_alive(false);
  response.body() = reply.body;
  response.prepare_payload();
  return response;
}

net::awaitable<void> talk_to(net::generic::stream_protocol::socket socket, Talk talk) {
  Stream stream(std::move(socket));
  beast::flat_buffer buffer(most_buffered);
  for (bool more = true; more;) {
    wire::request_parser<wire::string_body> parser;
    parser.header_limit(most_header);
    parser.body_limit(most_body);
    stream.expires_after(patience);
    const auto [fault, read] =
        co_await wire::async_read(stream, buffer, parser, net::as_tuple(net::use_awaitable));
    if (fault && fault.category() != wire::make_error_code(wire::error::bad_method).category()) co_return;
    if (fault == wire::error::end_of_stream || fault == wire::error::partial_message) co_return;
    const bool too_long = fault == wire::error::header_limit || fault == wire::error::body_limit;
    auto response = !fault     ? response_of(co_await answer_of(parser.get(), talk), parser.get())
                    : too_long ? refusal(wire::status::payload_too_large, "too large",
                                         "8 KiB of header and 64 KiB of body are the bound")
                               : refusal(wire::status::bad_request, "bad request", fault.message());
    more = response.keep_alive();
    stream.expires_after(patience);
    const auto [lost, written] =
        co_await wire::async_write(stream, response, net::as_tuple(net::use_awaitable));
    if (lost) co_return;
  }
  error_code ignored;
  stream.socket().shutdown(net::socket_base::shutdown_send, ignored);
}

}  // namespace

void Listener::serve_control(ControlSocket::Protocol::acceptor acceptor) {
  using Acceptor = ControlSocket::Protocol::acceptor;
  listen(control_.emplace_back(std::make_shared<Door<Acceptor>>(std::move(acceptor))));
}

void Listener::serve_metrics(tcp::acceptor acceptor) {
  listen(metrics_.emplace_back(std::make_shared<Door<tcp::acceptor>>(std::move(acceptor))));
}

// Closes a connection that has no share left.
void Listener::talk(ControlSocket::Protocol::socket socket) {
  const bool admin = is_of_administrator(socket);
  auto share = (admin ? administrators_ : viewers_).take(net::ip::address());
  if (!share) return;
  net::co_spawn(
      loop_, talk_to(std::move(socket), {router_, http::Door::control, admin ? Role::admin : Role::viewer}),
      [share = std::move(share)](const std::exception_ptr&) {});  // what broke off was one client's
}

void Listener::talk(tcp::socket socket) {
  error_code error;
  const auto client = socket.remote_endpoint(error);
  auto share = error ? std::nullopt : at_metrics_.take(client.address());
  if (!share) return;
  net::co_spawn(loop_, talk_to(std::move(socket), {router_, http::Door::metrics, Role::viewer}),
                [share = std::move(share)](const std::exception_ptr&) {});
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
}

// As for TFTP and SSH, a wait takes no memory that there may not be: nobody could ask until a restart.
template <class Acceptor>
void Listener::listen(const std::shared_ptr<Door<Acceptor>>& door) {
  door->acceptor.non_blocking(true);
  door->acceptor.async_wait(
      Acceptor::wait_read, net::bind_allocator(door->wait_memory.allocator(), [this, door](error_code) {
        if (!door->acceptor.is_open()) return;
        if (accept(*door)) return listen(door);
        door->pause.expires_after(100ms);
        door->pause.async_wait(net::bind_allocator(door->pause_memory.allocator(), [this, door](error_code) {
          if (door->acceptor.is_open()) listen(door);
        }));
      }));
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
      if (!more || error == net::error::connection_aborted) return;
      if (error) throw std::system_error(error.value(), std::generic_category());
      talk(std::move(socket));
    });
    if (!more) break;
  }
  return enough;
}

}  // namespace server::http
