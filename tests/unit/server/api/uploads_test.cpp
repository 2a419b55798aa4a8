#include "server/api/uploads.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "storage/files/digest.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::ApiSite;
using test::has;
using test::header;

namespace {

using Pieces = std::vector<std::string>;

net::awaitable<void> feed(http::Receiver& receiver, std::optional<std::uint64_t> size, const Pieces& pieces,
                          std::optional<http::Reply>& ended) {
  ended = co_await receiver.begin(size);
  for (std::size_t i = 0; i < pieces.size() && !ended; ++i)
    ended = co_await receiver.take(std::as_bytes(std::span(pieces[i])));
  if (!ended) ended = co_await receiver.end();
}

std::string sha512(const std::string& content) {
  storage::Digest digest(storage::DigestKind::sha512);
  digest.update(std::as_bytes(std::span(content)));
  return digest.hex();
}

std::string body(const std::string& name, std::size_t size, const std::string& more = "") {
  return "{\"name\":\"" + name + "\",\"size\":" + std::to_string(size) + more + "}";
}

struct Site : ApiSite {
  // Announces a file, and gives its upload's id.
  std::string announce(const std::string& name, std::size_t size, const std::string& more = "") {
    const auto reply = send("POST", "uploads", body(name, size, more));
    REQUIRE(reply.status == 201);
    return test::json(reply)["id"].as<std::string>();
  }
  Reply patch(const std::string& id, std::optional<std::uint64_t> offset, const Pieces& pieces,
              std::optional<std::uint64_t> size = {}, const std::string& type = "application/octet-stream") {
    auto taken = router.receive({.method = "PATCH",
                                 .path = "/api/v1/uploads/" + id,
                                 .role = http::Role::admin,
                                 .content_type = type,
                                 .name = "maria",
                                 .upload_offset = offset},
                                http::Door::page);
    REQUIRE(std::holds_alternative<std::unique_ptr<http::Receiver>>(taken));
    auto& receiver = *std::get<std::unique_ptr<http::Receiver>>(taken);
    std::optional<Reply> ended;
    net::co_spawn(loop, feed(receiver, size, pieces, ended),
                  [](const std::exception_ptr& error) { CHECK_FALSE(error); });
    run_until([&] { return ended.has_value(); });
    return *ended;
  }
  std::string offset(const std::string& id) { return header(get("uploads/" + id), "Upload-Offset"); }
  std::string dropped(const std::string& name) const {
    std::ifstream in(library.depot.drop() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool is_dropped(const std::string& name) const { return fs::exists(library.depot.drop() / name); }
};

storage::AnnouncedFile announced(const std::string& text) {
  const auto file = read_announcement(text, "maria");
  REQUIRE(file);
  return *file;
}

}  // namespace

TEST_CASE("an announcement is read with its owner, and a digest in lower case") {
  const auto upper = std::string(128, 'A');
  const auto file = announced(R"({"name":"a.zip","size":1204552712,"last_modified":"2026-11-28","sha512":")" +
                              upper + R"(","other":"is left out"})");
  CHECK(file.owner == "maria");
  CHECK(file.name == "a.zip");
  CHECK(file.size == 1204552712);
  CHECK(file.last_modified == "2026-11-28");
  CHECK(file.sha512 == std::string(128, 'a'));
  CHECK(announced(body("a.zip", 1)).sha512.empty());
  CHECK(announced(body("a.zip", 1, R"(,"sha512":null,"last_modified":null)")).sha512.empty());
  CHECK(announced(body("a.zip", 1, R"(,"last_modified":")" + std::string(64, 'x') + "\""))
            .last_modified.size() == 64);
}

TEST_CASE("an announcement that cannot become a file of drop/ is refused, with what is wrong") {
  struct Row {
    std::string body;
    unsigned status;
    const char* why;
  };
  const Row rows[] = {
      {"[]", 400, "the request is not a JSON object"},
      {"{", 400, "the request cannot be read"},
      {R"({"size":1})", 400, "the request has no name"},
      {R"({"name":null,"size":1})", 400, "the request has no name"},
      {R"({"name":"a.zip"})", 400, "size is not a number of bytes"},
      {R"({"name":"a.zip","size":-1})", 400, "size is not a number of bytes"},
      {R"({"name":"a.zip","size":1.5})", 400, "size is not a number of bytes"},
      {R"({"name":"a.zip","size":18446744073709551616})", 400, "size is not a number of bytes"},
      {body("a.zip", 0), 400, "the file is empty"},
      {body("../a.zip", 1), 400, "it has a slash"},
      {body("..", 1), 400, "is not the name of a file"},
      {body("a.zip.part", 1), 415, "a download that has not ended"},
      {body(".DS_Store", 1), 415, "operating system"},
      {body("ap1g8", 1), 415, "upload the ZIP itself"},
      {body("a.zip", 1, R"(,"last_modified":")" + std::string(65, 'x') + "\""), 400,
       "last_modified is not a time"},
      {body("a.zip", 1, R"(,"last_modified":"a\nb")"), 400, "last_modified is not a time"},
      {body("a.zip", 1, R"(,"sha512":"abc")"), 400, "sha512 is not 128 hexadecimal digits"},
      {body("a.zip", 1, ",\"sha512\":\"" + std::string(127, 'a') + "g\""), 400,
       "sha512 is not 128 hexadecimal digits"},
      {body("a.zip", 1, ",\"sha512\":[\"" + std::string(128, 'a') + "\"]"), 400,
       "sha512 is not 128 hexadecimal digits"},
      {body("a.zip", 1, R"(,"sha512":{})"), 400, "sha512 is not 128 hexadecimal digits"},
      {body("a.zip", 1, R"(,"sha512":true)"), 400, "sha512 is not 128 hexadecimal digits"},
      {body("a.zip", 1, R"(,"last_modified":["2026-11-28"])"), 400, "last_modified is not a time"}};
  for (const auto& row : rows) {
    CAPTURE(row.body);
    const auto file = read_announcement(row.body, "maria");
    REQUIRE_FALSE(file);
    CHECK(file.error().reply.status == row.status);
    CHECK(has(file.error().text, row.why));
    CHECK(has(file.error().reply.body, row.status == 415 ? "\"not imported\"" : "\"bad request\""));
  }
}

TEST_CASE("a file that comes in pieces lies in drop/ when it is whole, and is told then") {
  Site site;
  const auto begun = site.send("POST", "uploads", body("a.zip", 10));
  CHECK(begun.status == 201);
  const auto id = test::json(begun)["id"].as<std::string>();
  CHECK(header(begun, "Location") == "/api/v1/uploads/" + id);
  CHECK(header(begun, "Upload-Offset") == "0");
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].act == "begin upload");
  CHECK(site.acts[0].subject == "a.zip");

  const auto first = site.patch(id, 0, {"ab", "cde"});
  CHECK(first.status == 204);
  CHECK(header(first, "Upload-Offset") == "5");
  CHECK(site.offset(id) == "5");
  CHECK(site.get("uploads/" + id).body ==
        "{\"id\":\"" + id + "\",\"name\":\"a.zip\",\"size\":10,\"offset\":5}\n");
  CHECK_FALSE(site.is_dropped("a.zip"));
  CHECK(site.acts.size() == 1);

  const auto last = site.patch(id, 5, {"fghij"}, 5);
  CHECK(last.status == 204);
  CHECK(header(last, "Upload-Offset") == "10");
  CHECK(site.dropped("a.zip") == "abcdefghij");
  REQUIRE(site.acts.size() == 2);
  CHECK(site.acts[1].who == "maria");
  CHECK(site.acts[1].act == "upload");
  CHECK(site.acts[1].subject == "a.zip");
  CHECK(site.acts[1].outcome == "done");
  CHECK(site.offset(id) == "10");  // for a client that did not hear of it
}

TEST_CASE("a piece that does not fit is refused before anything of it is written") {
  Site site;
  const auto id = site.announce("a.zip", 5);
  REQUIRE(site.patch(id, 0, {"abc"}).status == 204);
  const auto type = site.patch(id, 3, {"de"}, 2, "application/json");
  CHECK(type.status == 415);
  CHECK(has(type.body, "application/octet-stream"));
  CHECK(site.patch(id, {}, {"de"}).status == 400);
  for (const std::uint64_t offset : {0, 2, 4, 5}) {
    CAPTURE(offset);
    const auto other = site.patch(id, offset, {"x"});
    CHECK(other.status == 409);
    CHECK(header(other, "Upload-Offset") == "3");
  }
  const auto too_long = site.patch(id, 3, {"de"}, 3);
  CHECK(too_long.status == 400);
  CHECK(has(too_long.body, "5 bytes were announced, and 3 came with 3 there"));
  CHECK(site.offset(id) == "3");
  CHECK(site.patch("0123456789abcdef", 0, {"x"}).status == 404);
  CHECK(site.patch("..", 0, {"x"}).status == 404);
  CHECK(site.patch(id, 3, {"de"}, 2).status == 204);
  CHECK(site.dropped("a.zip") == "abcde");
}

TEST_CASE("of a body without a length the pieces that fit are kept, and the one that goes too far is not") {
  Site site;
  const auto id = site.announce("a.zip", 5);
  const auto reply = site.patch(id, 0, {"abc", "def"});
  CHECK(reply.status == 400);
  CHECK(has(reply.body, "5 bytes were announced, and more came"));
  CHECK(site.offset(id) == "3");
  CHECK_FALSE(site.is_dropped("a.zip"));
}

TEST_CASE("the same login goes on with what is there, and another one begins") {
  Site site;
  const auto id = site.announce("a.zip", 5);
  site.patch(id, 0, {"abc"});
  const auto ask = [&](const std::string& name, const std::string& login) {
    return site.ask({.method = "POST",
                     .path = "/api/v1/uploads",
                     .content_type = "application/json",
                     .body = body("a.zip", 5),
                     .name = name,
                     .login = login});
  };
  const auto again = ask("maria", "another session");
  CHECK(again.status == 200);
  CHECK(test::json(again)["id"].as<std::string>() == id);
  CHECK(header(again, "Upload-Offset") == "3");
  CHECK(ask("ops", "session").status == 201);
  CHECK(ask("maria", "token maria").status == 201);  // a token of that name is not the user
}

TEST_CASE("a file with another digest than announced is told as refused, and is gone") {
  Site site;
  const auto wrong = site.announce("a.zip", 3, ",\"sha512\":\"" + sha512("xyz") + "\"");
  const auto refused = site.patch(wrong, 0, {"abc"});
  CHECK(refused.status == 422);
  CHECK(has(refused.body, "was announced"));
  CHECK(site.acts.back().act == "upload");
  CHECK(has(site.acts.back().outcome, "its SHA-512 is"));
  CHECK(site.get("uploads/" + wrong).status == 404);
  CHECK_FALSE(site.is_dropped("a.zip"));
  const auto right = site.announce("a.zip", 3, ",\"sha512\":\"" + sha512("abc") + "\"");
  CHECK(site.patch(right, 0, {"abc"}).status == 204);
  CHECK(site.is_dropped("a.zip"));
}

TEST_CASE("an upload is removed once, under the name of its file") {
  Site site;
  const auto id = site.announce("a.zip", 3);
  CHECK(site.send("DELETE", "uploads/" + id).status == 204);
  CHECK(site.acts.back().act == "remove upload");
  CHECK(site.acts.back().subject == "a.zip");
  const auto again = site.send("DELETE", "uploads/" + id);
  CHECK(again.status == 404);
  CHECK(has(again.body, "POST /api/v1/uploads begins it again"));
  CHECK(site.acts.back().subject == id);
  CHECK(site.acts.back().outcome != "done");
  CHECK(site.get("uploads/" + id).status == 404);
}

TEST_CASE(
    "an announcement is refused where it is of another type, its name is taken, or too many are under way") {
  Site site;
  const auto form = site.send("POST", "uploads", body("a.zip", 3), "text/plain");
  CHECK(form.status == 415);
  CHECK(site.acts.empty());
  site.dir.write("drop/there.zip", "x");
  const auto taken = site.send("POST", "uploads", body("there.zip", 3));
  CHECK(taken.status == 409);
  CHECK(has(taken.body, "wait until it is imported"));
  CHECK(header(taken, "Upload-Offset").empty());
  CHECK(has(site.acts.back().outcome, "lies in drop/ already"));
  site.announce("a.zip", 3), site.announce("b.zip", 3);
  const auto third = site.send("POST", "uploads", body("c.zip", 3));
  CHECK(third.status == 429);
  CHECK(header(third, "Retry-After") == "30");
}

TEST_CASE("a file that another one overtook stays until it is removed, and its client is told") {
  Site site;
  const auto id = site.announce("a.zip", 3);
  site.dir.write("drop/a.zip", "another");
  const auto reply = site.patch(id, 0, {"abc"});
  CHECK(reply.status == 409);
  CHECK(site.dropped("a.zip") == "another");
  CHECK(site.offset(id) == "3");
  CHECK(has(site.acts.back().outcome, "lies in drop/ already"));
  fs::remove(site.library.depot.drop() / "a.zip");
  CHECK(site.send("POST", "uploads", body("a.zip", 3)).status == 200);
  CHECK(site.dropped("a.zip") == "abc");
}

TEST_CASE("what was left for a day is swept when the server begins, and what was whole lies in drop/") {
  Site site;
  const auto left = site.announce("left.zip", 3), whole = site.announce("whole.zip", 3);
  site.dir.write("drop/whole.zip", "another");
  CHECK(site.patch(whole, 0, {"abc"}).status == 409);
  fs::remove(site.library.depot.drop() / "whole.zip");
  for (const auto& entry : fs::recursive_directory_iterator(site.dir / "state/staging"))
    if (entry.path().filename() == "content" && entry.path().parent_path().filename() == left)
      fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(25));
  site.begin_again();
  site.api->begin();
  site.api->stop();
  site.run_until([&] { return site.lanes.importing.busy() == 0; });
  CHECK(site.dropped("whole.zip") == "abc");
  CHECK(site.get("uploads/" + left).status == 404);
}
