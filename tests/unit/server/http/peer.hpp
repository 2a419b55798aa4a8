#pragma once
#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/certificates/certificate.hpp"
#include "server/loop/net.hpp"
#include "tests/support/comes.hpp"
#include "tests/support/sigpipe.hpp"
#include "tests/support/temp_dir.hpp"

// Connections of a test's own to the code of server/http, over loopback.
namespace test {

namespace net = server::net;
using server::error_code;
using server::tcp;

// Lets the loop run until `done`. False: the test fails, for that never comes.
template <class Done>
bool runs_until(net::io_context& loop, Done done) {
  const auto guard = net::make_work_guard(loop);
  const auto given_up = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  for (;;) {
    loop.restart();
    loop.poll();
    if (done()) return true;
    if (std::chrono::steady_clock::now() > given_up) return false;
    loop.run_one_for(std::chrono::milliseconds(1));
  }
}

// Bytes that are other ones at each place where a part of a file may begin or end.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i ^ i >> 8 ^ i >> 16);
  return text;
}

struct TcpPair {
  tcp::socket ours, theirs;
};

inline tcp::socket connected_to(net::io_context& loop, const tcp::endpoint& server,
                                const char* from = "127.0.0.1", int receive_buffer = 0) {
  tcp::socket socket(loop, tcp::endpoint(net::ip::make_address(from), 0));
  if (receive_buffer > 0) socket.set_option(net::socket_base::receive_buffer_size(receive_buffer));
  socket.connect(server);
  return socket;
}

inline tcp::acceptor loopback_acceptor(net::io_context& loop) {
  return tcp::acceptor(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
}

// How much the system takes of what the client does not read.
enum class Room { usual, little, little_of_the_client };

inline TcpPair tcp_pair(net::io_context& loop, Room room = Room::usual) {
  auto acceptor = loopback_acceptor(loop);
  const int buffer = room == Room::usual ? 0 : room == Room::little ? 32 << 10 : 4096;
  auto theirs = connected_to(loop, acceptor.local_endpoint(), "127.0.0.1", buffer);
  auto ours = acceptor.accept();
  if (room == Room::little) ours.set_option(net::socket_base::send_buffer_size(32 << 10));
  return {std::move(ours), std::move(theirs)};
}

// As the server makes one, with a certificate that no client trusts.
inline const std::shared_ptr<net::ssl::context>& tls_context() {
  static const auto made = [] {
    const TempDir dir;
    const auto certificate = server::load_or_make_certificate(dir.path(), {"localhost", {}, {"127.0.0.1"}});
    auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_server);
    SSL_CTX_set_mode(context->native_handle(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    context->use_certificate_chain(net::buffer(certificate.chain));
    context->use_private_key(net::buffer(certificate.key), net::ssl::context::pem);
    return context;
  }();
  return made;
}

// An answer of HTTP.
struct Answer {
  std::string head, body;  // the head without the empty line
  int status() const { return head.size() < 12 ? 0 : std::stoi(head.substr(9, 3)); }
  bool has(std::string_view line) const {
    return (head + "\r\n").find("\r\n" + std::string(line) + "\r\n") != head.npos;
  }
  bool names(std::string_view header) const {
    return head.find("\r\n" + std::string(header) + ":") != head.npos;
  }
};

// The client's end of a connection. Never blocks: the loop runs while the client waits.
class Peer {
 public:
  template <class Socket>
  Peer(net::io_context& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {
    socket_.non_blocking(true);
  }

  // Of `text` as much as the connection takes now.
  std::size_t put(std::string_view text) {
    std::size_t bytes = 0;
    if (ssl_) {
      ERR_clear_error();
      const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes);
      if (result != 1) is_refused_ = !may_go_on(SSL_get_error(ssl_.get(), result));
      return bytes;
    }
    error_code error;
    bytes = socket_.write_some(net::buffer(text), error);
    is_refused_ = error && error != net::error::would_block;
    return bytes;
  }
  // Whether the connection took all of it.
  bool send(std::string_view text) {
    return runs_until(loop_,
                      [&] {
                        text.remove_prefix(put(text));
                        return text.empty() || is_refused_;
                      }) &&
           text.empty();
  }

  // Reads what is there.
  void take() {
    std::vector<char> some(64 << 10);
    while (!ended_) {
      std::size_t bytes = 0;
      if (ssl_) {
        ERR_clear_error();
        const int result = SSL_read_ex(ssl_.get(), some.data(), some.size(), &bytes);
        if (result != 1) return note(result);
      } else {
        error_code error;
        bytes = socket_.read_some(net::buffer(some), error);
        if (error == net::error::would_block) return;
        if (error) ended_ = true, was_reset_ = error != net::error::eof;
      }
      received_.append(some.data(), bytes);
    }
  }
  template <class Done>
  bool reads_until(Done done) {
    return runs_until(loop_, [&] {
      take();
      return done();
    });
  }
  // Whether `text` is received before the connection ends.
  bool gets(std::string_view text) {
    reads_until([&] { return ended_ || received_.find(text) != received_.npos; });
    return received_.find(text) != received_.npos;
  }
  // All that is received until the server ends the connection.
  std::string rest() {
    REQUIRE(reads_until([&] { return ended_; }));
    return std::exchange(received_, {});
  }
  // The next answer. One to a HEAD, and a 304, has no body.
  Answer answer(bool with_body = true) {
    const auto end = [&] { return received_.find("\r\n\r\n"); };
    reads_until([&] { return ended_ || end() != received_.npos; });
    REQUIRE(end() != received_.npos);
    Answer answer{received_.substr(0, end()), {}};
    received_.erase(0, end() + 4);
    const std::string_view length = "\r\nContent-Length: ";
    const auto at = answer.head.find(length);
    if (!with_body || at == answer.head.npos) return answer;
    const auto size = std::stoul(answer.head.substr(at + length.size()));
    reads_until([&] { return ended_ || received_.size() >= size; });
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }

  // One step of the client's handshake. True: it came to its end.
  bool shakes_hands() {
    if (!ssl_) {
      context_.reset(SSL_CTX_new(TLS_client_method()));
      ssl_.reset(SSL_new(context_.get()));
      SSL_set_fd(ssl_.get(), static_cast<int>(socket_.native_handle()));
    }
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result != 1) note(result);
    return result == 1;
  }
  // TLS from now on, if the server does its part.
  bool begin_tls() {
    bool met = false;
    return runs_until(loop_, [&] { return (met = shakes_hands()) || ended_; }) && met;
  }
  void end_tls() { SSL_shutdown(ssl_.get()); }  // says that no more comes, within TLS

  // The client sends no more. All three do nothing to a connection that is gone.
  void finish() {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }
  void reset() {
    error_code ignored;
    socket_.set_option(net::socket_base::linger(true, 0), ignored);
    close();
  }

  server::SocketHandle handle() { return socket_.native_handle(); }
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }                // the server sends no more
  bool was_reset() const { return was_reset_; }        // the connection broke off
  bool said_goodbye() const { return said_goodbye_; }  // the server ended TLS before the connection

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  static bool may_go_on(int error) { return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE; }
  void note(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    if (may_go_on(error)) return;
    ended_ = true;
    said_goodbye_ = error == SSL_ERROR_ZERO_RETURN;
    was_reset_ = !said_goodbye_;
  }

  net::io_context& loop_;
  net::generic::stream_protocol::socket socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string received_;
  bool ended_ = false, was_reset_ = false, said_goodbye_ = false, is_refused_ = false;
};

}  // namespace test
