#include "server/http/connection.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace server::http {
namespace {

namespace beast = boost::beast;
namespace wire = boost::beast::http;
using namespace std::chrono_literals;
using Stream = beast::basic_stream<net::generic::stream_protocol>;
using HeaderParser = wire::request_parser<wire::empty_body>;
using WholeParser = wire::request_parser<wire::string_body>;
using PieceParser = wire::request_parser<wire::buffer_body>;
using Asked = HeaderParser::value_type;
using Answer = wire::response<wire::string_body>;

constexpr std::size_t most_header = 8 << 10, most_buffered = 16 << 10, first_read = 4 << 10;
constexpr std::size_t most_discarded = 32 << 20;  // of a body that nobody takes: the page's largest piece
constexpr std::size_t most_drained = 256 << 10;   // of what a client sends after its answer
constexpr std::size_t most_written = 64 << 10;    // at once: the system copies it in one turn
constexpr std::size_t least_counted = 16 << 10;   // of an answer that nobody reads
constexpr std::byte begin_of_tls{0x16};           // a handshake; HTTP begins with a letter
constexpr auto patience = 10s;                    // for a header, a body or some of a large one, a handshake
constexpr auto answer_patience = 30s;             // for the client to take its answer
constexpr auto goodbye_time = 2s;                 // to send the rest
constexpr auto as_tuple = net::as_tuple(net::use_awaitable);

// Of a header such as "Application/JSON; charset=utf-8".
std::string type_of(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

Request request_of(const Asked& asked, Role role) {
  Request request{.method = std::string(asked.method_string()),
                  .path = std::string(asked.target()),
                  .accept = std::string(asked[wire::field::accept]),
                  .role = role,
                  .content_type = type_of(asked[wire::field::content_type]),
                  .accept_encoding = std::string(asked[wire::field::accept_encoding]),
                  .if_none_match = std::string(asked[wire::field::if_none_match]),
                  .last_event = number_of(asked["Last-Event-ID"]),
                  .upload_offset = number_of(asked["Upload-Offset"])};
  if (const auto mark = request.path.find('?'); mark != request.path.npos) {
    request.query = request.path.substr(mark + 1);
    request.path.resize(mark);
  }
  return request;
}

// All lines of that name, in their order: they are one list. A proxy may add its own below the client's.
std::string list_of(const Asked& asked, std::string_view name) {
  std::string list;
  const auto [first, last] = asked.equal_range(name);
  for (auto line = first; line != last; ++line)
    list.append(line == first ? "" : ", ").append(std::string(line->value()));
  return list;
}

Head head_of(const Asked& asked, const Talk& talk, bool tls) {
  return {std::string(asked[wire::field::host]),
          std::string(asked[wire::field::origin]),
          std::string(asked["Sec-Fetch-Site"]),
          std::string(asked[wire::field::cookie]),
          std::string(asked[wire::field::authorization]),
          std::string(asked["X-CSRF"]),
          list_of(asked, "X-Forwarded-For"),
          list_of(asked, "X-Forwarded-Proto"),
          asked.count(wire::field::host),
          talk.peer,
          tls};
}

// A request whose header has come.
struct Heard {
  Request request;
  Head head;
  unsigned version;
  bool keep_alive;
  wire::verb method;
  std::optional<std::uint64_t> size;  // of the body, where the client says it
  bool waits;                         // with the body, until it is told to go on
};

// Who sends the body at once does not wait, whatever it says.
Heard heard_of(const HeaderParser& parser, const Talk& talk, bool tls, bool body_came) {
  const auto& asked = parser.get();
  const bool asks = asked.version() == 11 && beast::iequals(asked[wire::field::expect], "100-continue");
  const auto length = parser.content_length();
  return {request_of(asked, talk.role),
          head_of(asked, talk, tls),
          asked.version(),
          asked.keep_alive(),
          asked.method(),
          length ? std::optional(*length) : std::nullopt,
          asks && !body_came && !parser.is_done()};
}

// What an endpoint answers, at once or later: the answer may outlive the connection, and what waits for it.
struct Awaited {
  explicit Awaited(const net::any_io_executor& executor)
      : wake(executor, net::steady_timer::time_point::max()) {}
  net::steady_timer wake;
  std::optional<Reply> reply;
};

net::awaitable<Reply> answer_of(const Talk& talk, const Request& request) {
  const auto awaited = std::make_shared<Awaited>(co_await net::this_coro::executor);
  talk.router.answer(request, talk.door, Respond([awaited](Reply reply) {
                       awaited->reply = std::move(reply);
                       awaited->wake.cancel();
                     }));
  while (!awaited->reply) co_await awaited->wake.async_wait(as_tuple);
  co_return std::move(*awaited->reply);
}

net::awaitable<Reply> answer_of(const Talk& talk, const Head& head, Request& request) {
  if (talk.gate) {
    auto refused = co_await talk.gate->admit(head, request);
    if (refused) co_return std::move(*refused);
  }
  co_return co_await answer_of(talk, request);
}

template <class Response>
void begin_answer(Response& response, const Reply& reply, const Talk& talk, bool secure) {
  talk.answered(talk.door, response.result_int());
  response.set(wire::field::content_type, reply.type);
  response.set(wire::field::cache_control, "no-store");
  response.set(wire::field::server, "apdepot");
  response.set("X-Content-Type-Options", "nosniff");
  if (talk.gate)
    for (const auto& [name, value] : talk.gate->headers(secure)) response.set(name, value);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
}

Answer answer(Reply reply, const Heard& heard, const Talk& talk) {
  Answer response{static_cast<wire::status>(reply.status), heard.version};
  begin_answer(response, reply, talk, heard.request.secure);
  response.keep_alive(heard.keep_alive);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  if (reply.status == 304) response.erase(wire::field::content_length);
  if (heard.method == wire::verb::head) std::string().swap(response.body());  // its length stays
  return response;
}

// Memory is there for `reply` until it is sent; where there is not, `reply` is another one. What is short is
// not counted: there are not that many connections.
std::optional<Shares::Share> hold(Reply& reply, const Heard& heard, const Talk& talk) {
  if (reply.body.size() < least_counted || heard.method == wire::verb::head) return {};
  const auto client = heard.request.client.empty() ? talk.peer : heard.request.address();
  auto share = talk.unsent.take_many(client, reply.body.capacity());
  if (share) return share;
  reply = problem(503, "busy", "too many answers wait for a client to read them",
                  "read the answers that were asked for, and ask again in some seconds");
  reply.headers.emplace_back("Retry-After", "5");
  return {};
}

Answer refusal(wire::status status, const char* title, const std::string& detail, const Talk& talk,
               bool tls) {
  auto reply = problem(static_cast<unsigned>(status), title, detail);
  Answer response{status, 11};
  begin_answer(response, reply, talk, tls);
  response.keep_alive(false);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

// Nothing: the client is gone, and nobody is to be answered.
std::optional<Answer> refusal_of(const error_code& fault, const Talk& talk, bool tls) {
  if (fault.category() != wire::make_error_code(wire::error::bad_method).category()) return {};
  if (fault == wire::error::end_of_stream || fault == wire::error::partial_message) return {};
  if (fault == wire::error::header_limit || fault == wire::error::body_limit)
    return refusal(wire::status::payload_too_large, "too large",
                   "8 KiB of header and 64 KiB of body are the bound", talk, tls);
  return refusal(wire::status::bad_request, "bad request", fault.message(), talk, tls);
}

template <class S>
net::awaitable<bool> write(S& stream, const Answer& response) {
  beast::get_lowest_layer(stream).expires_after(answer_patience);
  wire::response_serializer<wire::string_body> serializer(response);
  serializer.limit(most_written);
  const auto [lost, written] = co_await wire::async_write(stream, serializer, as_tuple);
  co_return !lost;
}

// Whether a client that was let in may still go on with what takes long: a logout ends what it began.
class Trust {
 public:
  Trust(const Heard& heard, const Talk& talk) : heard_(heard), talk_(talk) {}

  net::awaitable<bool> holds() {
    if (!talk_.gate || Clock::now() - asked_at_ < talk_.trusted) co_return true;
    const bool may = co_await talk_.gate->still_admits(heard_.head, heard_.request);
    asked_at_ = Clock::now();
    co_return may;
  }

 private:
  using Clock = std::chrono::steady_clock;
  const Heard& heard_;
  const Talk& talk_;
  Clock::time_point asked_at_ = Clock::now();
};

// Until the feed ends, the client takes no more, or may have no more.
template <class S>
net::awaitable<void> write_feed(S& stream, const Reply& reply, const Heard& heard, const Talk& talk) {
  wire::response<wire::empty_body> head{wire::status::ok, 11};
  begin_answer(head, reply, talk, heard.request.secure);
  head.set("X-Accel-Buffering", "no");
  head.keep_alive(false);  // its end is the connection's
  wire::response_serializer<wire::empty_body> serializer(head);
  beast::get_lowest_layer(stream).expires_after(answer_patience);
  const auto [lost, written] = co_await wire::async_write_header(stream, serializer, as_tuple);
  if (lost) co_return;
  Trust trust(heard, talk);
  for (;;) {
    const auto text = co_await reply.feed->next();
    if (!text) co_return;
    const bool may = co_await trust.holds();
    if (!may) co_return;
    beast::get_lowest_layer(stream).expires_after(answer_patience);
    const auto [gone, count] = co_await net::async_write(stream, net::buffer(*text), as_tuple);
    if (gone) co_return;
  }
}

// A request's first byte, for which a client may take its time.
template <class S>
net::awaitable<bool> hears(S& stream, beast::flat_buffer& buffer, std::chrono::seconds patient) {
  if (buffer.size() > 0) co_return true;
  beast::get_lowest_layer(stream).expires_after(patient);
  const auto [lost, count] = co_await stream.async_read_some(buffer.prepare(first_read), as_tuple);
  buffer.commit(count);
  co_return !lost;
}

template <class S>
net::awaitable<bool> tell_to_go_on(S& stream) {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  beast::get_lowest_layer(stream).expires_after(patience);
  const auto [lost, written] = co_await net::async_write(stream, net::buffer(text), as_tuple);
  co_return !lost;
}

// Some of a body; nothing where the client went away.
template <class S>
net::awaitable<std::optional<std::size_t>> read_some(S& stream, beast::flat_buffer& buffer,
                                                     PieceParser& parser, std::span<std::byte> into) {
  auto& body = parser.get().body();
  body.data = into.data();
  body.size = into.size();
  auto [fault, read] = co_await wire::async_read_some(stream, buffer, parser, as_tuple);
  if (fault && fault != wire::error::need_buffer) co_return std::nullopt;
  co_return into.size() - body.size;
}

// As much as there is room for, or as there is; false where the client went away after that.
template <class S>
net::awaitable<std::pair<std::size_t, bool>> read_piece(S& stream, beast::flat_buffer& buffer,
                                                        PieceParser& parser, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size() && !parser.is_done()) {
    beast::get_lowest_layer(stream).expires_after(patience);
    const auto some = co_await read_some(stream, buffer, parser, into.subspan(filled));
    if (!some) co_return std::pair(filled, false);
    filled += *some;
  }
  co_return std::pair(filled, true);
}

// Nothing: the client went away, and nobody is to be answered.
template <class S>
net::awaitable<std::optional<Reply>> take_pieces(S& stream, beast::flat_buffer& buffer, PieceParser& parser,
                                                 Receiver& receiver, Trust trust) {
  std::vector<std::byte> piece(piece_size);
  buffer.reserve(most_buffered);  // Beast reads as much at once as there is room for
  while (!parser.is_done()) {
    const auto [count, goes_on] = co_await read_piece(stream, buffer, parser, piece);
    const bool may = co_await trust.holds();
    if (!may)
      co_return problem(401, "not logged in", "the login that began this request has ended",
                        "log in again, and go on from what the server has");
    if (count > 0) {
      auto enough = co_await receiver.take(std::span(piece).first(count));
      if (enough) co_return enough;
    }
    if (!goes_on) co_return std::nullopt;
  }
  co_return co_await receiver.end();
}

// A browser reads no answer before it has sent all.
template <class S>
net::awaitable<void> discard(S& stream, beast::flat_buffer& buffer, PieceParser& parser) {
  std::vector<std::byte> thrown_away(most_buffered);
  std::size_t count = 0;
  beast::get_lowest_layer(stream).expires_after(answer_patience);
  while (!parser.is_done() && count < most_discarded) {
    const auto some = co_await read_some(stream, buffer, parser, thrown_away);
    if (!some) co_return;
    count += *some;
  }
}

using Received = std::variant<Reply, std::unique_ptr<Receiver>>;

// Who takes the body, if the client may send it.
net::awaitable<Received> receiver_of(const Talk& talk, Heard& heard) {
  if (talk.gate) {
    auto refused = co_await talk.gate->admit(heard.head, heard.request);
    if (refused) co_return std::move(*refused);
  }
  auto found = talk.router.receive(heard.request, talk.door);
  if (auto* const receiver = std::get_if<std::unique_ptr<Receiver>>(&found)) {
    auto refused = co_await (*receiver)->begin(heard.size);
    if (refused) co_return std::move(*refused);
  }
  co_return std::move(found);
}

// False, of this and the next ones: the connection is to end.
template <class S>
net::awaitable<bool> answer_pieces(S& stream, beast::flat_buffer& buffer, HeaderParser& header, Heard& heard,
                                   const Talk& talk) {
  PieceParser parser(std::move(header));
  auto received = co_await receiver_of(talk, heard);
  std::optional<Reply> reply;
  if (auto* const receiver = std::get_if<std::unique_ptr<Receiver>>(&received)) {
    if (heard.waits) {
      const bool told = co_await tell_to_go_on(stream);
      if (!told) co_return false;
      heard.waits = false;
    }
    reply = co_await take_pieces(stream, buffer, parser, **receiver, Trust(heard, talk));
    if (!reply) co_return false;
  } else {
    reply = std::move(std::get<Reply>(received));
  }
  heard.keep_alive = heard.keep_alive && parser.is_done();
  const auto response = answer(std::move(*reply), heard, talk);
  const bool taken = co_await write(stream, response);
  if (taken && !parser.is_done() && !heard.waits) co_await discard(stream, buffer, parser);
  co_return taken&& response.keep_alive();
}

template <class S>
net::awaitable<error_code> read_whole(S& stream, beast::flat_buffer& buffer, HeaderParser& header,
                                      Heard& heard) {
  if (header.is_done()) co_return error_code();
  if (heard.size > most_body) co_return wire::make_error_code(wire::error::body_limit);
  WholeParser parser(std::move(header));
  parser.body_limit(most_body);
  if (heard.waits) {
    const bool told = co_await tell_to_go_on(stream);
    if (!told) co_return wire::make_error_code(wire::error::partial_message);
  }
  beast::get_lowest_layer(stream).expires_after(patience);
  const auto [fault, read] = co_await wire::async_read(stream, buffer, parser, as_tuple);
  heard.request.body = std::move(parser.get().body());
  co_return fault;
}

template <class S>
net::awaitable<bool> answer_whole(S& stream, Heard& heard, const Talk& talk) {
  auto reply = co_await answer_of(talk, heard.head, heard.request);
  if (reply.feed && heard.method == wire::verb::get) {
    co_await write_feed(stream, reply, heard, talk);
    co_return false;
  }
  const auto held = hold(reply, heard, talk);
  const auto response = answer(std::move(reply), heard, talk);
  const bool taken = co_await write(stream, response);
  co_return taken&& response.keep_alive();
}

// Beast ignores any other coding, and would read the body as the next request. HTTP/1.0 has no codings, and a
// proxy in between may see the end of the body elsewhere.
bool has_clear_end(const Asked& asked) {
  const auto lines = asked.count(wire::field::transfer_encoding);
  return lines == 0 || (lines == 1 && asked.version() == 11 &&
                        beast::iequals(asked[wire::field::transfer_encoding], "chunked") &&
                        asked.count(wire::field::content_length) == 0);
}

// Beast holds the first line and the fields to the limit each by itself: here both together are.
template <class S>
net::awaitable<error_code> read_header(S& stream, beast::flat_buffer& buffer, HeaderParser& parser) {
  parser.header_limit(most_header);
  parser.body_limit(boost::none);  // who takes it says how much
  beast::get_lowest_layer(stream).expires_after(patience);
  const auto [fault, read] = co_await wire::async_read_header(stream, buffer, parser, as_tuple);
  if (!fault && read > most_header) co_return wire::make_error_code(wire::error::header_limit);
  if (!fault && !has_clear_end(parser.get()))
    co_return wire::make_error_code(wire::error::bad_transfer_encoding);
  co_return fault;
}

// Reads what the client still sends: closing before that makes the system throw away our answer. Over TLS its
// end is told later.
net::awaitable<void> drain(Stream& stream, bool tls) {
  error_code ignored;
  if (!tls) stream.socket().shutdown(net::socket_base::shutdown_send, ignored);
  std::vector<std::byte> thrown_away(most_buffered);
  stream.expires_after(goodbye_time);
  for (std::size_t count = 0; count < most_drained;) {
    const auto [lost, some] = co_await stream.async_read_some(net::buffer(thrown_away), as_tuple);
    if (lost) co_return;
    count += some;
  }
}

template <class S>
net::awaitable<bool> answer_one(S& stream, beast::flat_buffer& buffer, const Talk& talk, bool tls) {
  HeaderParser parser;
  auto fault = co_await read_header(stream, buffer, parser);
  std::optional<Heard> heard;
  if (!fault) {
    heard = heard_of(parser, talk, tls, buffer.size() > 0);
    if (talk.router.takes_pieces(heard->request, talk.door))
      co_return co_await answer_pieces(stream, buffer, parser, *heard, talk);
    fault = co_await read_whole(stream, buffer, parser, *heard);
  }
  if (!fault) co_return co_await answer_whole(stream, *heard, talk);
  const auto refused = refusal_of(fault, talk, tls);
  if (!refused) co_return false;
  const bool taken = co_await write(stream, *refused);
  if (taken) co_await drain(beast::get_lowest_layer(stream), tls);
  co_return false;
}

template <class S>
net::awaitable<void> converse(S& stream, beast::flat_buffer& buffer, const Talk& talk, bool tls) {
  auto patient = std::chrono::seconds(patience);
  for (;;) {
    const bool heard = co_await hears(stream, buffer, patient);
    if (!heard) co_return;
    const bool more = co_await answer_one(stream, buffer, talk, tls);
    if (!more) co_return;
    patient = talk.idle;
  }
}

// The same address, by https.
Answer redirection(const Asked& asked, const Talk& talk) {
  auto moved = refusal(wire::status::permanent_redirect, "moved", "this port speaks HTTPS only", talk, false);
  const auto host = asked[wire::field::host];
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (!host.empty() && asked.target().starts_with('/') && std::ranges::all_of(host, plain))
    moved.set(wire::field::location, "https://" + std::string(host) + std::string(asked.target()));
  return moved;
}

// A client that speaks HTTP without TLS.
net::awaitable<void> send_to_tls(Stream& stream, beast::flat_buffer& buffer, const Talk& talk) {
  HeaderParser parser;
  const auto fault = co_await read_header(stream, buffer, parser);
  const auto response = fault ? refusal_of(fault, talk, false) : redirection(parser.get(), talk);
  if (!response) co_return;
  const bool taken = co_await write(stream, *response);
  if (taken && !parser.is_done()) co_await drain(stream, false);
}

}  // namespace

net::awaitable<void> talk_to(net::generic::stream_protocol::socket socket, Talk talk) {
  Stream stream(std::move(socket));
  beast::flat_buffer buffer(most_buffered);
  co_await converse(stream, buffer, talk, false);
  error_code ignored;
  stream.socket().shutdown(net::socket_base::shutdown_send, ignored);
}

net::awaitable<void> talk_over_tls(std::shared_ptr<PatientStream> client, Workers& workers,
                                   Shares& handshakes, Talk talk) {
  beast::flat_buffer buffer(most_buffered);
  client->expect_within(patience);
  const bool came = co_await client->wait(tcp::socket::wait_read);
  const auto first = came ? client->bytes().peek() : std::nullopt;
  if (!first) co_return;
  if (*first != begin_of_tls) {
    Stream stream(client->bytes().take_socket());
    co_return co_await send_to_tls(stream, buffer, talk);
  }
  auto share = handshakes.take_and_leave(talk.peer);
  if (!share) co_return;
  const bool secret = co_await client->shake_hands(workers);
  share.reset();
  if (!secret) co_return;
  auto socket = client->bytes().take_socket();
  net::ssl::stream<Stream> stream(Stream(std::move(socket)), client->bytes().take_tls());
  client.reset();
  co_await converse(stream, buffer, talk, true);
  beast::get_lowest_layer(stream).expires_after(patience);
  co_await stream.async_shutdown(as_tuple);
}

}  // namespace server::http
