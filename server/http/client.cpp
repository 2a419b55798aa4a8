#include "server/http/client.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <system_error>

namespace server::http {
namespace {
namespace wire = boost::beast::http;
constexpr std::uint64_t most_body = 64 << 20;

// Boost's own exception is none of the standard's.
void check(const error_code& error) {
  if (error) throw std::system_error(error);
}

}  // namespace

Client::Client(const std::filesystem::path& folder) : socket_(ControlSocket::connect(loop_, folder)) {}

Reply Client::ask(const std::string& method, const std::string& path) {
  wire::request<wire::empty_body> request{wire::string_to_verb(method), path, 11};
  request.set(wire::field::host, "localhost");
  error_code error;
  wire::write(socket_, request, error);
  check(error);
  boost::beast::flat_buffer buffer;
  wire::response_parser<wire::string_body> parser;
  parser.body_limit(most_body);
  wire::read(socket_, buffer, parser, error);
  check(error);
  auto& response = parser.get();
  return {response.result_int(), std::string(response[wire::field::content_type]),
          std::move(response.body())};
}

}  // namespace server::http
