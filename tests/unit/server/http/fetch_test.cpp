#include "server/http/fetch.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>
#include <utility>

#include "tests/unit/server/http/peer.hpp"

using namespace server;
using server::http::fetch;
using server::http::FetchAnswer;
using server::http::FetchQuestion;

namespace {

const FetchQuestion in_clear{"192.0.2.9", "", "/a.bin", false};
const FetchQuestion over_tls{"localhost", "", "/a.bin", true};

// One question to a server that has said all of its answer before.
struct Exchange {
  net::io_context loop;
  test::TcpPair pair = test::tcp_pair(loop);
  std::string bytes;
  int heads = 0, alive = 0;
  bool wanted = true;
  std::size_t bytes_at_head = 0;
  FetchAnswer at_head;

  FetchAnswer ask(const FetchQuestion& question) {
    return fetch(pair.ours, question,
                 {[this](const FetchAnswer& answer) {
                    ++heads;
                    at_head = answer;
                    bytes_at_head = bytes.size();
                    return wanted;
                  },
                  [this](std::span<const std::byte> some) {
                    bytes.append(reinterpret_cast<const char*>(some.data()), some.size());
                  },
                  [this] { ++alive; }});
  }
  FetchAnswer ask(std::string_view answer, const FetchQuestion& question = in_clear) {
    net::write(pair.theirs, net::buffer(answer));
    pair.theirs.shutdown(tcp::socket::shutdown_send);
    return ask(question);
  }
  std::string request() {
    std::string received;
    net::read_until(pair.theirs, net::dynamic_buffer(received), "\r\n\r\n");
    return received;
  }
};

// Speaks TLS, answers one request and leaves; with `cut` without a word of TLS.
std::jthread answer_over_tls(tcp::socket& socket, std::string answer, bool cut = false) {
  return std::jthread([&socket, answer = std::move(answer), cut] {
    auto* const session = SSL_new(test::tls_context()->native_handle());
    SSL_set_fd(session, socket.native_handle());
    std::string request(4096, '\0');
    if (SSL_accept(session) == 1 && SSL_read(session, request.data(), 4096) > 0) {
      std::string_view left = answer;
      std::size_t written = 0;
      while (!left.empty() && SSL_write_ex(session, left.data(), left.size(), &written) == 1)
        left.remove_prefix(written);
    }
    if (!cut) SSL_shutdown(session);
    SSL_free(session);
    error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  });
}

}  // namespace

TEST_CASE("a file is fetched with one request, as a device sends it") {
  Exchange exchange;
  const auto answer = exchange.ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: a/b\r\n\r\nimage");
  CHECK(answer.status == 200);
  CHECK(answer.type == "a/b");
  CHECK(answer.size == 5);
  CHECK(answer.broke_off.empty());
  CHECK(answer.handshake.empty());
  CHECK(answer.certificate.empty());
  CHECK(exchange.bytes == "image");
  CHECK(answer.text.empty());
  CHECK(exchange.heads == 1);
  CHECK(exchange.bytes_at_head == 0);
  CHECK(exchange.at_head.size == 5);
  CHECK(exchange.alive >= 2);  // connected, and bytes came
  CHECK(exchange.request() ==
        "GET /a.bin HTTP/1.1\r\nHost: 192.0.2.9\r\nUser-Agent: apdepot-probe\r\nAccept: */*\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("the Host header is the URL's, with its port, and brackets around IPv6") {
  struct Case {
    const char *host, *port, *header;
  };
  for (const auto& [host, port, header] : {Case{"depot.example", ":8080", "Host: depot.example:8080"},
                                           Case{"2001:db8::1", "", "Host: [2001:db8::1]"},
                                           Case{"2001:db8::1", ":8080", "Host: [2001:db8::1]:8080"},
                                           Case{"192.0.2.9", ":81", "Host: 192.0.2.9:81"}}) {
    Exchange exchange;
    exchange.ask("HTTP/1.1 204 No Content\r\n\r\n", {host, port, "/a?b=c", false});
    const auto request = exchange.request();
    CAPTURE(request);
    CHECK(request.find("\r\n" + std::string(header) + "\r\n") != request.npos);
    CHECK(request.starts_with("GET /a?b=c HTTP/1.1\r\n"));
  }
}

TEST_CASE("a large file arrives byte for byte, however the server sends it") {
  const auto content = test::pattern(150'000);
  const auto ok = std::string("HTTP/1.1 200 OK\r\n");
  std::string chunks;
  for (const auto size : {1, 65'536, 30'000, 54'463})
    chunks += fmt::format("{:x}\r\n", size) + content.substr(0, static_cast<std::size_t>(size)) + "\r\n";
  const auto chunked_content = content.substr(0, 1) + content.substr(0, 65'536) + content.substr(0, 30'000) +
                               content.substr(0, 54'463);
  SUBCASE("with its size") {
    Exchange exchange;
    const auto answer = exchange.ask(ok + "Content-Length: 150000\r\n\r\n" + content);
    CHECK((exchange.bytes == content));
    CHECK(answer.size == 150'000);
    CHECK(answer.broke_off.empty());
  }
  SUBCASE("in chunks") {
    Exchange exchange;
    const auto answer = exchange.ask(ok + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n");
    CHECK((exchange.bytes == chunked_content));
    CHECK_FALSE(answer.size);
    CHECK(answer.broke_off.empty());
  }
  SUBCASE("until the connection ends") {
    Exchange exchange;
    const auto answer = exchange.ask(ok + "\r\n" + content);
    CHECK((exchange.bytes == content));
    CHECK_FALSE(answer.size);
    CHECK(answer.broke_off.empty());
  }
}

TEST_CASE("an empty file has come as a whole") {
  Exchange exchange;
  const auto answer = exchange.ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.size == 0);
  CHECK(answer.broke_off.empty());
  CHECK(exchange.heads == 1);
}

TEST_CASE("a body that nobody wants is not read") {
  Exchange exchange;
  exchange.wanted = false;
  const auto answer = exchange.ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage");
  CHECK(answer.status == 200);
  CHECK(answer.size == 5);
  CHECK(exchange.bytes.empty());
  CHECK(answer.broke_off.empty());
}

TEST_CASE("a body that breaks off is not the file") {
  for (const auto* text : {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nimage",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\nzz\r\n\r\n"}) {
    CAPTURE(text);
    Exchange exchange;
    const auto answer = exchange.ask(text);
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.broke_off.empty());
    CHECK(exchange.bytes == "image");
  }
}

TEST_CASE("an answer that is not a file is told by its beginning") {
  for (const std::size_t size : {0, 299, 300, 301, 5000, 100'000}) {
    CAPTURE(size);
    Exchange exchange;
    const auto text = test::pattern(size);
    const auto answer =
        exchange.ask("HTTP/1.1 404 Not Found\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + text);
    CHECK(answer.status == 404);
    CHECK((answer.text == text.substr(0, 300)));
    CHECK(exchange.bytes.empty());
    CHECK(answer.broke_off.empty());
  }
}

TEST_CASE("the beginning of such an answer is put together of what comes in pieces") {
  Exchange exchange;
  std::string text = "HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n", all;
  for (int i = 0; i < 50; ++i) {
    const auto piece = fmt::format("piece {:02} ", i);
    text += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
    all += piece;
  }
  const auto answer = exchange.ask(text + "0\r\n\r\n");
  CHECK(answer.text == all.substr(0, 300));
}

TEST_CASE("a redirection is told, and nobody goes there") {
  Exchange exchange;
  const auto answer = exchange.ask(
      "HTTP/1.1 301 Moved Permanently\r\nLocation: https://192.0.2.9/b\r\nContent-Length: 0\r\n\r\n");
  CHECK(answer.status == 301);
  CHECK(answer.location == "https://192.0.2.9/b");
  exchange.request();
  exchange.pair.ours.close();
  std::string more;
  error_code error;
  net::read_until(exchange.pair.theirs, net::dynamic_buffer(more), "\r\n\r\n", error);
  CHECK(more.empty());
}

TEST_CASE("what is not an answer has no status, and says what is wrong") {
  const auto long_header = "HTTP/1.1 200 OK\r\nX: " + std::string(66'000, 'x') + "\r\n\r\n";
  for (const auto& text :
       {std::string(), std::string("HTTP/1.1 200 OK\r\nConte"), std::string("SSH-2.0-x\r\n\r\n"),
        std::string("\0\0\0\0\r\n\r\n", 8), long_header}) {
    Exchange exchange;
    const auto answer = exchange.ask(text);
    CHECK(answer.status == 0);
    CHECK_FALSE(answer.broke_off.empty());
    CHECK(exchange.heads == 0);
    CHECK(exchange.bytes.empty());
  }
}

TEST_CASE("over TLS a file arrives, and nobody vouches for a self-made certificate") {
  Exchange exchange;
  const auto content = test::pattern(200'000);
  const auto server =
      answer_over_tls(exchange.pair.theirs, "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + content);
  const auto answer = exchange.ask(over_tls);
  CHECK(answer.handshake.empty());
  CHECK(answer.status == 200);
  CHECK((exchange.bytes == content));
  CHECK(answer.broke_off.empty());
  CHECK_FALSE(answer.distrust.empty());
  CHECK(answer.certificate.find(", until ") != answer.certificate.npos);
  CHECK(answer.certificate.starts_with("/"));
}

TEST_CASE("an answer without a size ends with TLS, not where somebody cuts the connection") {
  for (const bool cut : {false, true}) {
    CAPTURE(cut);
    Exchange exchange;
    const auto server = answer_over_tls(exchange.pair.theirs, "HTTP/1.1 200 OK\r\n\r\nimage", cut);
    const auto answer = exchange.ask(over_tls);
    CHECK(exchange.bytes == "image");
    CHECK(answer.broke_off.empty() == !cut);
  }
}

TEST_CASE("a server that does not speak TLS says why nothing was asked") {
  for (const auto* text : {"HTTP/1.1 400 Bad Request\r\n\r\n", ""}) {
    CAPTURE(text);
    Exchange exchange;
    const auto answer = exchange.ask(text, over_tls);
    CHECK_FALSE(answer.handshake.empty());
    CHECK(answer.status == 0);
    CHECK(exchange.heads == 0);
    CHECK(exchange.alive == 0);
  }
}

TEST_CASE("a connection that is gone is not an answer") {
  Exchange exchange;
  exchange.pair.theirs.set_option(net::socket_base::linger(true, 0));
  exchange.pair.theirs.close();
  REQUIRE(test::comes(exchange.pair.ours.native_handle()));
  const auto answer = exchange.ask(in_clear);
  CHECK(answer.status == 0);
  CHECK(exchange.heads == 0);
}
