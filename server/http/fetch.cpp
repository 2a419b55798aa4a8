#include "server/http/fetch.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <memory>
#include <new>
#include <vector>

namespace server::http {
namespace {

namespace beast = boost::beast;
namespace wire = boost::beast::http;

constexpr std::size_t portion = 64 << 10, most_header = 64 << 10, most_text = 300;

template <auto release>
struct Released {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Released<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Released<SSL_free>>;
using Certificate = std::unique_ptr<X509, Released<X509_free>>;

std::string openssl_error() {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the server ended the connection";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

std::string text_of(X509* certificate) {
  std::array<char, 256> name{};
  X509_NAME_oneline(X509_get_subject_name(certificate), name.data(), static_cast<int>(name.size()));
  const std::unique_ptr<BIO, Released<BIO_free>> out(BIO_new(BIO_s_mem()));
  if (!out) throw std::bad_alloc();
  ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate));
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return fmt::format("{}, until {}", name.data(), std::string_view(text, static_cast<std::size_t>(size)));
}

// A connection with TLS or without, as Beast reads from it. Blocks.
class Wire {
 public:
  explicit Wire(tcp::socket& socket) : socket_(socket) {}

  // False: `answer` says why not.
  bool begin_tls(const std::string& host, FetchAnswer& answer) {
    ERR_clear_error();
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_) throw std::bad_alloc();
    SSL_CTX_set_default_verify_paths(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    const SocketHandle handle = socket_.native_handle();
    if (!ssl_ || SSL_set_fd(ssl_.get(), static_cast<int>(handle)) != 1) throw std::bad_alloc();
    error_code no_address;
    net::ip::make_address(host, no_address);
    auto* const wanted = SSL_get0_param(ssl_.get());
    if (no_address) {
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0);
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    }
    if (SSL_connect(ssl_.get()) != 1) {
      answer.handshake = openssl_error();
      return false;
    }
    const auto verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) answer.distrust = X509_verify_cert_error_string(verdict);
    const Certificate shown(SSL_get1_peer_certificate(ssl_.get()));
    if (shown) answer.certificate = text_of(shown.get());
    return true;
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    if (!ssl_) return socket_.read_some(buffers, error);
    const net::mutable_buffer buffer = *net::buffer_sequence_begin(buffers);
    std::size_t bytes = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
    if (result == 1) return bytes;
    const bool ended = SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN;
    error = ended ? error_code(net::error::eof) : error_code(net::error::connection_reset);
    return 0;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto bytes = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return bytes;
  }
  bool write(std::string_view text) {
    while (!text.empty()) {
      error_code error;
      std::size_t bytes = 0;
      if (!ssl_)
        bytes = socket_.write_some(net::buffer(text), error);
      else if (SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes) != 1)
        return false;
      if (error) return false;
      text.remove_prefix(bytes);
    }
    return true;
  }

 private:
  tcp::socket& socket_;
  Context context_;
  Session ssl_;
};

std::string request_of(const FetchQuestion& question) {
  const bool v6 = question.host.find(':') != question.host.npos;
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}{}{}\r\nUser-Agent: apdepot-probe\r\nAccept: */*\r\nConnection: "
      "close\r\n\r\n",
      question.target, v6 ? "[" : "", question.host, v6 ? "]" : "", question.port);
}

}  // namespace

FetchAnswer fetch(tcp::socket& socket, const FetchQuestion& question, const FetchListener& listener) {
  FetchAnswer answer;
  Wire wire(socket);
  error_code error;
  socket.non_blocking(false, error);
  if (question.tls && !wire.begin_tls(question.host, answer)) return answer;
  listener.alive();
  if (!wire.write(request_of(question))) return answer;
  beast::flat_buffer buffer(most_header + portion);
  wire::response_parser<wire::buffer_body> parser;
  parser.header_limit(most_header);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  wire::read_header(wire, buffer, parser, error);
  if (error) {
    answer.broke_off = error.message();
    return answer;
  }
  auto& reply = parser.get();
  answer.status = reply.result_int();
  answer.location = std::string(reply[wire::field::location]);
  answer.type = std::string(reply[wire::field::content_type]);
  if (const auto size = parser.content_length()) answer.size = *size;
  if (!listener.head(answer)) return answer;
  std::vector<std::byte> bytes(portion);
  while (!parser.is_done()) {
    reply.body().data = bytes.data();
    reply.body().size = bytes.size();
    reply.body().more = true;
    wire::read_some(wire, buffer, parser, error);
    if (error == wire::error::need_buffer) error = {};
    const auto got = bytes.size() - reply.body().size;
    if (got > 0) listener.alive();
    if (answer.status == 200) {
      listener.bytes(std::span(bytes).first(got));
    } else if (answer.text.size() < most_text) {
      answer.text.append(reinterpret_cast<const char*>(bytes.data()),
                         std::min(got, most_text - answer.text.size()));
    } else {
      break;
    }
    if (error) {
      answer.broke_off = error.message();
      break;
    }
  }
  return answer;
}

}  // namespace server::http
