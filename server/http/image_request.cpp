#include "server/http/image_request.hpp"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <string_view>

#include "server/loop/net.hpp"

namespace server::http {
namespace {

namespace wire = boost::beast::http;
using Parser = wire::request_parser<wire::empty_body>;

constexpr std::string_view end_of_header = "\r\n\r\n";

// What makes two programs on the way disagree about where a request ends (request smuggling), or about whose
// it is.
std::optional<BadRequest> fault_of(const Parser::value_type& request) {
  if (request.count(wire::field::transfer_encoding) > 0)
    return BadRequest{400, "a request for an image has no body: Transfer-Encoding is refused"};
  for (const auto& [begin, end] = request.equal_range(wire::field::content_length);
       const auto& field : std::ranges::subrange(begin, end))
    if (field.value() != "0")
      return BadRequest{400, "a request for an image has no body: Content-Length is refused"};
  const auto hosts = request.count(wire::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11))
    return BadRequest{400, "a request has one Host header"};
  return {};
}

std::string text_of(const Parser::value_type& request, wire::field field) {
  return std::string(request[field]);
}

std::expected<ImageRequest, BadRequest> parsed(std::string_view header) {
  if (std::ranges::count(header, '\n') > RequestReader::most_lines)
    return std::unexpected(BadRequest{431, "a request has at most 100 lines"});
  Parser parser;
  parser.header_limit(RequestReader::most_header);
  error_code error;
  parser.put(net::buffer(header), error);
  const bool done = parser.is_header_done();
  if (error == wire::error::bad_version)
    return std::unexpected(BadRequest{505, "HTTP/1.0 and 1.1 are served"});
  if ((error && error != wire::error::need_more) || !done)
    return std::unexpected(BadRequest{400, "that is not a request of HTTP"});
  const auto& request = parser.get();
  if (auto fault = fault_of(request)) return std::unexpected(std::move(*fault));
  return ImageRequest{std::string(request.method_string()),
                      std::string(request.target()),
                      request.version() < 11,
                      request.keep_alive(),
                      text_of(request, wire::field::range),
                      text_of(request, wire::field::if_range),
                      text_of(request, wire::field::if_none_match),
                      text_of(request, wire::field::if_modified_since),
                      text_of(request, wire::field::accept)};
}

}  // namespace

std::optional<std::expected<ImageRequest, BadRequest>> RequestReader::next() {
  const std::string_view received(buffer_.data(), size_);
  const auto from = searched_ < end_of_header.size() ? 0 : searched_ - end_of_header.size();
  const auto end = received.find(end_of_header, from);
  searched_ = size_;
  if (end == received.npos) {
    if (size_ < buffer_.size()) return {};
    return std::unexpected(BadRequest{431, "a request has at most 8 KiB"});
  }
  const auto header = end + end_of_header.size();
  auto request = parsed(received.substr(0, header));
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(header),
            buffer_.begin() + static_cast<std::ptrdiff_t>(size_), buffer_.begin());
  size_ -= header;
  searched_ = 0;
  return request;
}

}  // namespace server::http
