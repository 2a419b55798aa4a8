#include "server/probe/http_probe.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <string>

#include "server/certificates/certificate.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/probe/tcp_script.hpp"

using namespace server::probe;
using namespace std::chrono_literals;
using server::tcp;
using test::TcpScript;
namespace net = server::net;

namespace {

const auto image = test::ap_image("flash");
const HttpManner patient{false, 60s};
// For what never comes. What does come has all of this time to arrive.
const HttpManner hasty{false, 1s};

struct Found {
  Report report;
  std::string request;
  std::uint64_t progress = 0;
};

Target target_of(std::uint16_t port, const std::string& path = "/EWC/ap1g8",
                 Target::Scheme scheme = Target::Scheme::http) {
  return {scheme, "", "127.0.0.1", port, path};
}

// Probes a server that gives each connection this answer, and then does with it what `then` says.
Found probe(
    const std::string& answer, const HttpManner& manner = patient,
    const std::function<void(tcp::socket&)>& then = [](tcp::socket& connection) { connection.close(); },
    const std::string& path = "/EWC/ap1g8", const std::optional<Recorded>& recorded = {}) {
  Found found;
  TcpScript server([&](tcp::socket& connection) {
    found.request = test::hear_until(connection, "\r\n\r\n");
    test::say(connection, answer);
    then(connection);
  });
  probe_http(
      target_of(server.port(), path), manner, recorded,
      [&](std::uint64_t done, auto) { found.progress = done; }, found.report);
  server.stop();
  return found;
}

void keep(tcp::socket&) {}

void reset(tcp::socket& connection) {
  connection.set_option(tcp::socket::linger(true, 0));
  connection.close();
}

std::string reply(int status, std::string_view body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " Any\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + std::string(body);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

// A server that speaks TLS with a certificate of its own, to whoever goes on.
class TlsScript {
 public:
  explicit TlsScript(std::string answer)
      : answer_(std::move(answer)),
        certificate_(server::load_or_make_certificate(dir_.path(), {"images.example", {}, {"127.0.0.1"}})) {
    context_.use_certificate_chain(net::buffer(certificate_.chain));
    context_.use_private_key(net::buffer(certificate_.key), net::ssl::context::pem);
  }
  std::uint16_t port() const { return script_.port(); }
  void stop() { script_.stop(); }
  const std::string& request() const { return request_; }

 private:
  void serve(tcp::socket& connection) {
    net::ssl::stream<tcp::socket&> stream(connection, context_);
    server::error_code error;
    stream.handshake(net::ssl::stream_base::server, error);
    char byte = 0;
    while (!error && !request_.ends_with("\r\n\r\n"))
      if (stream.read_some(net::buffer(&byte, 1), error) == 1) request_ += byte;
    if (!error) stream.write_some(net::buffer(answer_), error);
    connection.close(error);
  }

  test::TempDir dir_;
  const std::string answer_;
  server::Certificate certificate_;
  net::ssl::context context_{net::ssl::context::tls_server};
  std::string request_;
  TcpScript script_{[this](tcp::socket& connection) { serve(connection); }};  // the last one
};

}  // namespace

TEST_CASE("an image that arrives whole is reported as a device gets it") {
  const auto found = probe(reply(200, image));
  const auto& report = found.report;
  CHECK_FALSE(report.cause);
  CHECK(report.over_tcp);
  CHECK(report.announced == image.size());
  CHECK(report.bytes == image.size());
  CHECK(found.progress == image.size());
  CHECK(report.content == "AP image (tar), complete");
  CHECK(report.status == 0);
  CHECK(report.answered_after);
  CHECK(report.notes.empty());
}

TEST_CASE("the path goes out as it is, with the port where it is not the usual one") {
  const auto found = probe(reply(200, "x"), patient, keep, "/a%20b/c?d=e");
  const auto port = found.report.server.substr(found.report.server.find(':'));
  CHECK(found.request.starts_with("GET /a%20b/c?d=e HTTP/1.1\r\nHost: 127.0.0.1" + port + "\r\n"));
  CHECK_FALSE(found.report.cause);
}

TEST_CASE("a body in chunks, or one that ends with the connection, is taken as well") {
  const auto chunked =
      probe("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n3\r\n678\r\n0\r\n\r\n",
            patient, keep, "/x");
  CHECK_FALSE(chunked.report.cause);
  CHECK(chunked.report.bytes == 8);
  CHECK_FALSE(chunked.report.announced);
  const auto until_close = probe(
      "HTTP/1.0 200 OK\r\n\r\n12345", patient, [](tcp::socket& c) { c.close(); }, "/x");
  CHECK_FALSE(until_close.report.cause);
  CHECK(until_close.report.bytes == 5);
}

TEST_CASE("any status but 200 is a failure, with the server's words on one line") {
  const auto missing = probe(
      reply(404, "File not found: \x1b[31m/EWC\r\nmore", "Content-Type: text/plain; charset=utf-8\r\n"));
  CHECK(missing.report.cause == Cause::status);
  CHECK(missing.report.status == 404);
  CHECK(missing.report.what == "the server answered 404: File not found: \\x1b[31m/EWC");
  CHECK(missing.report.bytes == 0);
  CHECK(missing.progress == 0);
  const auto page = probe(reply(403, "<html>no</html>", "Content-Type: text/html\r\n"));
  CHECK(page.report.what == "the server answered 403");
  CHECK(probe(reply(204, "")).report.status == 204);
  CHECK(probe(reply(206, image)).report.cause == Cause::status);
}

TEST_CASE("a server that leads elsewhere is not followed, and the place is named, escaped") {
  const auto found = probe(reply(302, "", "Location: https://elsewhere/\xff\r\n"));
  CHECK(found.report.cause == Cause::status);
  CHECK(found.report.what == "the server answered 302, go to https://elsewhere/\\xff, which devices do not");
}

TEST_CASE("what the file is tells more than that it came") {
  const auto ends = [](tcp::socket& connection) { connection.close(); };
  CHECK(probe(reply(200, "")).report.cause == Cause::empty);
  CHECK(probe(reply(200, "<html>log in</html>")).report.cause == Cause::not_an_image);
  CHECK(probe(reply(200, image), patient, ends, "/ap1g8", Recorded{"/EWC/ap1g8", "00"}).report.cause ==
        Cause::different);
  CHECK_FALSE(probe(reply(200, "<html>log in</html>"), patient, ends, "/ap1g8/index.html").report.cause);
}

TEST_CASE("a body that ends early is short where its size is known, and else it broke off") {
  const auto whole = reply(200, image);
  const auto cut = probe(whole.substr(0, whole.size() - 1));
  CHECK(cut.report.cause == Cause::too_short);
  CHECK(cut.report.what == std::to_string(image.size() - 1) + " bytes came, and the server had announced " +
                               std::to_string(image.size()));
  const auto chunked = probe(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67", patient,
      [](tcp::socket& connection) { connection.close(); }, "/x");
  CHECK(chunked.report.cause == Cause::stalled);
  CHECK(chunked.report.what.starts_with("it broke off after 7 bytes: "));
}

TEST_CASE("what is not HTTP, or ends before an answer, is an error with its reason") {
  for (const std::string answer : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200", "", "\r\n\r\n"}) {
    CAPTURE(answer);
    const auto found = probe(answer);
    CHECK(found.report.cause == Cause::error);
    CHECK(found.report.what.starts_with("no answer of HTTP came: "));
    CHECK_FALSE(found.report.what.ends_with(": "));
  }
  CHECK(probe("", patient, reset).report.cause == Cause::error);
}

TEST_CASE("an answer whose header has no end is not kept") {
  const auto found = probe("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'));
  CHECK(found.report.cause == Cause::error);
  CHECK(found.report.bytes == 0);
}

TEST_CASE("a server that takes the request and says nothing is timed out") {
  const auto found = probe("", hasty, keep);
  CHECK(found.report.cause == Cause::timed_out);
  CHECK(found.report.what == "nothing came for 1 s in answer to the request");
  CHECK_FALSE(found.report.answered_after);
}

TEST_CASE("a body that stands still has stalled, also where no end of it was announced") {
  const auto announced = probe(reply(200, image).substr(0, 5000), hasty, keep);
  CHECK(announced.report.cause == Cause::stalled);
  CHECK(announced.report.what ==
        "nothing came for 1 s after " + std::to_string(announced.report.bytes) + " bytes");
  CHECK(announced.report.bytes > 0);
  CHECK(announced.report.sha256.empty());
  const auto open = probe("HTTP/1.0 200 OK\r\n\r\n" + image, hasty, keep);
  CHECK(open.report.cause == Cause::stalled);
}

TEST_CASE("a certificate that proves nothing ends it before the file, unless that is allowed") {
  TlsScript server(reply(200, image));
  Report report;
  const auto target = target_of(server.port(), "/EWC/ap1g8", Target::Scheme::https);
  const auto nobody = [](auto, auto) { FAIL("bytes were taken"); };
  probe_http(target, patient, {}, nobody, report);
  server.stop();
  CHECK(report.cause == Cause::tls);
  CHECK(report.what.starts_with("the certificate is not trusted: "));
  CHECK(report.bytes == 0);
  REQUIRE(report.notes.size() == 1);
  CHECK(has(report.notes.front(), "certificate "));

  TlsScript again(reply(200, image));
  Report insecure;
  probe_http(
      target_of(again.port(), "/EWC/ap1g8", Target::Scheme::https), {true, 60s}, {}, [](auto, auto) {},
      insecure);
  again.stop();
  CHECK_FALSE(insecure.cause);
  CHECK(insecure.bytes == image.size());
  REQUIRE(insecure.notes.size() == 2);
  CHECK(insecure.notes.back().starts_with("not trusted: "));
  CHECK(again.request().starts_with("GET /EWC/ap1g8 HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST_CASE("a port that speaks no TLS is told as that, and so is one that says nothing") {
  TcpScript plain([](tcp::socket& connection) {
    test::say(connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.close();
  });
  Report report;
  probe_http(
      target_of(plain.port(), "/x", Target::Scheme::https), patient, {}, [](auto, auto) {}, report);
  CHECK(report.cause == Cause::tls);
  CHECK(report.what.starts_with("the TLS handshake failed: "));
  TcpScript silent(keep);
  Report nothing;
  probe_http(
      target_of(silent.port(), "/x", Target::Scheme::https), {false, 50ms}, {}, [](auto, auto) {}, nothing);
  CHECK(nothing.cause == Cause::tls);
  CHECK(nothing.what == "nothing came for 0 s in the TLS handshake");
}
