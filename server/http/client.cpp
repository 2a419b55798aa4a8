#include "server/http/client.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <system_error>

namespace server::http {
namespace {
namespace wire = boost::beast::http;
constexpr std::uint64_t most_answer = 64 << 20;
constexpr std::chrono::seconds patience{10};

// Boost's own exception is none of the standard's.
void check(const error_code& error) {
  if (error) throw std::system_error(error);
}

}  // namespace

Client::Client(const std::filesystem::path& folder)
    : socket_(ControlSocket::connect(loop_, folder)), key_(ControlSocket::key_in(folder)) {}

// A server that hangs is what a command is asked about: it must not hang too.
void Client::wait() {
  loop_.restart();
  loop_.run_for(patience);
  if (loop_.stopped()) return;
  error_code ignored;
  socket_.close(ignored);
  loop_.run();
  throw std::system_error(std::make_error_code(std::errc::timed_out));
}

Reply Client::ask(const std::string& method, const std::string& path) {
  wire::request<wire::empty_body> request{wire::string_to_verb(method), path, 11};
  request.set(wire::field::host, "localhost");
  if (!key_.empty()) request.set(wire::field::authorization, "Bearer " + key_);
  error_code error;
  const auto keep = [&error](const error_code& outcome, std::size_t) { error = outcome; };
  wire::async_write(socket_, request, keep);
  wait();
  check(error);
  boost::beast::flat_buffer buffer;
  wire::response_parser<wire::string_body> parser;
  parser.body_limit(most_answer);
  wire::async_read(socket_, buffer, parser, keep);
  wait();
  check(error);
  auto& response = parser.get();
  return {response.result_int(),
          std::string(response[wire::field::content_type]),
          std::move(response.body()),
          {}};
}

}  // namespace server::http
