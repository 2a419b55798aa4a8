#include "server/http/byte_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <new>

namespace server::http {
void ByteStream::Free::operator()(SSL* ssl) const { SSL_free(ssl); }

ByteStream::ByteStream(tcp::socket socket, std::shared_ptr<net::ssl::context> context)
    : socket_(std::move(socket)), handle_(socket_.native_handle()), context_(std::move(context)) {
  socket_.non_blocking(true);
  if (!context_) return;
  // OpenSSL takes an int on Windows too, whose handles fit into it.
  ssl_.reset(SSL_new(context_->native_handle()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), static_cast<int>(handle_)) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

ByteStream::State ByteStream::state_after(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return State::fine;
    case SSL_ERROR_WANT_READ:
      return State::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return State::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return State::closed;
    default:
      return State::failed;
  }
}

ByteStream::State ByteStream::shake_hands() {
  ERR_clear_error();
  const auto state = state_after(SSL_do_handshake(ssl_.get()));
  ERR_clear_error();
  return state;
}

ByteStream::Step ByteStream::read(std::span<std::byte> into) {
  if (is_tls()) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    return result == 1 ? Step{State::fine, bytes} : Step{state_after(result)};
  }
  error_code error;
  const auto bytes = socket_.read_some(net::buffer(into.data(), into.size()), error);
  if (!error) return {State::fine, bytes};
  if (error == net::error::would_block) return {State::wants_read};
  return {error == net::error::eof ? State::closed : State::failed};
}

ByteStream::Step ByteStream::write(std::span<const std::byte> bytes) {
  if (is_tls()) {
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return result == 1 ? Step{State::fine, written} : Step{state_after(result)};
  }
  error_code error;
  const auto written = socket_.write_some(net::buffer(bytes.data(), bytes.size()), error);
  if (!error) return {State::fine, written};
  return {error == net::error::would_block ? State::wants_write : State::failed};
}

std::optional<std::byte> ByteStream::peek() {
  std::byte byte{};
  error_code error;
  socket_.receive(net::buffer(&byte, 1), tcp::socket::message_peek, error);
  return error ? std::nullopt : std::optional(byte);
}

void ByteStream::end_sending() {
  if (is_tls()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace server::http
