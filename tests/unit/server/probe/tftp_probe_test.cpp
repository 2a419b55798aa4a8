#include "server/probe/tftp_probe.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/tar_writer.hpp"
#include "tests/unit/server/probe/tftp_script.hpp"

using namespace server::probe;
using namespace std::chrono_literals;
using test::data_packet, test::error_packet, test::oack_packet, test::TftpScript, test::Transfer;

namespace {

// What a probe found, and each request that the server had, by its options.
struct Found {
  Report report;
  std::vector<std::string> requests;
  std::uint64_t progress = 0;
};

Found probe(const TftpScript::Serve& serve, const TftpManner& manner = {},
            const std::optional<Recorded>& recorded = {}, const std::string& path = "/EWC/ap1g8") {
  TftpScript server(serve);
  Found found;
  const Target target{Target::Scheme::tftp, "", "127.0.0.1", server.endpoint().port(), path};
  probe_tftp(
      target, manner, recorded, [&](std::uint64_t done, auto) { found.progress = done; }, found.report);
  for (const auto& request : server.requests()) found.requests.push_back(text_of(request.options));
  return found;
}

std::string works(const Report& report) {
  std::string text;
  for (const auto& trial : report.trials) text += trial.works ? '+' : '-';
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

// Takes the request's options as they are, and announces the size of what it then sends.
void serve(Transfer& transfer, std::string_view content) {
  std::size_t block_size = 512;
  if (!transfer.request.options.empty()) {
    auto options = transfer.request.options;
    for (auto& option : options) {
      if (option.name == "tsize") option.value = std::to_string(content.size());
      if (option.name == "blksize") block_size = std::stoul(option.value);
    }
    transfer.say(oack_packet(options));
    if (!transfer.hears_ack(0)) return;
  }
  transfer.send(content, block_size);
}

constexpr auto all_options = "tsize 0, blksize 1428, timeout 5, windowsize 1";
const auto image = test::ap_image("flash");
const TftpManner plain{true, 1428, 25s}, hasty{false, 1428, 30ms};

}  // namespace

TEST_CASE("an image that arrives whole is reported with what was asked, given and announced") {
  const auto found = probe([](Transfer& transfer) { serve(transfer, image); });
  const auto& report = found.report;
  CHECK_FALSE(report.cause);
  CHECK(text_of(report.asked) == all_options);
  CHECK(text_of(report.given) ==
        "tsize " + std::to_string(image.size()) + ", blksize 1428, timeout 5, windowsize 1");
  CHECK(report.announced == image.size());
  CHECK(report.bytes == image.size());
  CHECK(found.progress == image.size());
  CHECK(report.content == "AP image (tar), complete");
  CHECK(report.host == "127.0.0.1");
  CHECK(report.from != report.server);
  CHECK(report.trials.empty());
  CHECK(report.notes.empty());
}

TEST_CASE("a plain probe asks for nothing, and another block size is asked for as it was named") {
  const auto without = probe([](Transfer& transfer) { serve(transfer, image); }, plain);
  CHECK_FALSE(without.report.cause);
  REQUIRE_FALSE(without.requests.empty());
  CHECK(without.requests.front() == "no options");
  CHECK(without.report.asked.empty());
  const auto large = probe([](Transfer& transfer) { serve(transfer, image); }, {false, 8192, 25s});
  CHECK_FALSE(large.report.cause);
  CHECK(has(large.requests.front(), "blksize 8192"));
}

TEST_CASE("what the file is tells more than that it came") {
  const auto cause_of = [](const std::string& content, const std::optional<Recorded>& recorded = {}) {
    return probe([&](Transfer& transfer) { transfer.send(content, 512); }, {}, recorded).report.cause;
  };
  CHECK(cause_of("") == Cause::empty);
  CHECK(cause_of(image.substr(0, 700)) == Cause::too_short);
  CHECK(cause_of("<html>blocked</html>") == Cause::not_an_image);
  CHECK(cause_of(image, Recorded{"/EWC/17_9_4a/ap1g8", "00"}) == Cause::different);
  CHECK(cause_of(image) == std::nullopt);
  const auto found =
      probe([](Transfer& transfer) { transfer.send("<html></html>", 512); }, {}, {}, "/EWC/ap1g8/index.html");
  CHECK_FALSE(found.report.cause);
}

TEST_CASE("a server that is silent is tried once more, without options") {
  const auto found = probe([](Transfer&) {}, hasty);
  CHECK(found.report.cause == Cause::timed_out);
  CHECK(has(found.report.what, "no packet came within 0 s"));
  CHECK(found.requests == std::vector<std::string>{all_options, "no options"});
  CHECK(works(found.report) == "-");
  CHECK_FALSE(found.report.answered_after);
  CHECK(probe([](Transfer&) {}, {true, 1428, 30ms}).requests.size() == 1);
}

TEST_CASE("of options that a server refuses, those are found that it does not take alone") {
  const auto found = probe([](Transfer& transfer) {
    if (transfer.has_option("blksize") || transfer.has_option("timeout"))
      return transfer.say(error_packet(8, "no \x1b"));
    serve(transfer, image);
  });
  CHECK(found.report.cause == Cause::options);
  CHECK(
      found.report.what ==
      "the server sent ERROR 8: no \\x1b; without options it works; what it does not take: blksize, timeout");
  CHECK(works(found.report) == "++--+");
  CHECK(found.requests == std::vector<std::string>{all_options, "no options", "tsize 0", "blksize 1428",
                                                   "timeout 5", "windowsize 1"});
}

TEST_CASE("options that a server takes alone, and not together, are said to be so") {
  const auto found = probe([](Transfer& transfer) {
    if (transfer.request.options.size() > 1) return transfer.say(error_packet(4, "Illegal"));
    serve(transfer, image);
  });
  CHECK(found.report.cause == Cause::options);
  CHECK(found.report.what.ends_with("; without options it works, and with each of them alone"));
  CHECK(works(found.report) == "+++++");
}

TEST_CASE("a try ends after two blocks, and does not count in the report") {
  std::uint64_t taken = 0;
  const auto found = probe([&](Transfer& transfer) {
    if (!transfer.request.options.empty()) return transfer.say(error_packet(8, "no"));
    taken = transfer.send(std::string(10'000, 'x'), 512);
  });
  CHECK(taken == 2);
  CHECK(found.report.cause == Cause::options);
  CHECK(found.report.bytes == 0);
  CHECK(found.progress == 0);
  CHECK(works(found.report) == "+----");
}

TEST_CASE("a server that refuses the options and then the file as well has its second reason told") {
  struct Case {
    std::uint16_t code;
    const char* text;
    Cause cause;
  };
  for (const auto& each : {Case{1, "File not found", Cause::not_found}, Case{2, "no", Cause::access},
                           Case{8, "go away", Cause::error}, Case{0, "go away", Cause::error}}) {
    const auto found = probe([&](Transfer& transfer) {
      const bool first = !transfer.request.options.empty();
      transfer.say(first ? error_packet(8, "no options") : error_packet(each.code, each.text));
    });
    CHECK(found.report.cause == each.cause);
    CHECK(has(found.report.what, "ERROR 8: no options; without options: the server sent ERROR "));
    CHECK(found.report.what.ends_with(each.text));
    CHECK(works(found.report) == "-");
  }
}

TEST_CASE("a plain probe blames no options that it did not ask for, and tries nothing more") {
  const auto found = probe([](Transfer& transfer) { transfer.say(error_packet(8, "go away")); }, plain);
  CHECK(found.report.cause == Cause::error);
  CHECK(found.report.what == "the server sent ERROR 8: go away");
  CHECK(found.requests.size() == 1);
  const auto missing = probe([](Transfer& transfer) { transfer.say(error_packet(1, "")); }, plain);
  CHECK(missing.report.cause == Cause::not_found);
  CHECK(missing.report.what == "the server sent ERROR 1");
}

TEST_CASE("a cause that options do not explain is not looked into further") {
  for (const auto& [code, cause] :
       {std::pair{1, Cause::not_found}, std::pair{2, Cause::access}, std::pair{3, Cause::error}}) {
    const auto found = probe([sent = code](Transfer& transfer) {
      transfer.say(error_packet(static_cast<std::uint16_t>(sent), "no"));
    });
    CHECK(found.report.cause == cause);
    CHECK(found.report.trials.empty());
    CHECK(found.requests.size() == 1);
  }
}

TEST_CASE("an answer to the options that cannot be used is kept, and the file is tried without them") {
  const auto found = probe([](Transfer& transfer) {
    if (transfer.request.options.size() > 1)
      transfer.say(oack_packet({{"blksize", "9000"}}));
    else
      serve(transfer, image);
  });
  CHECK(found.report.cause == Cause::options);
  CHECK(text_of(found.report.given) == "blksize 9000");
  CHECK(has(found.report.what, "blksize 9000 is not an answer to 1428; without options it works"));
}

TEST_CASE("where large blocks do not arrive and smaller ones do, fragments are the cause") {
  // A second of silence stands for the large blocks: what is answered has all of it to arrive.
  const auto found = probe(
      [](Transfer& transfer) {
        if (!has(text_of(transfer.request.options), "blksize 8192")) return serve(transfer, image);
        transfer.say(oack_packet({{"blksize", "8192"}}));
      },
      {false, 8192, 1s});
  CHECK(found.report.cause == Cause::fragments);
  CHECK(found.report.what == "blocks of 8192 bytes do not arrive, and blocks of 1428 do");
  CHECK(works(found.report) == "+");
}

TEST_CASE("a name without an address is asked nothing") {
  Report report;
  const Target target{Target::Scheme::tftp, "", "\x1b[2J" + std::string(300, 'a'), 69, "/x"};
  probe_tftp(
      target, {}, {}, [](auto, auto) {}, report);
  CHECK(report.cause == Cause::no_address);
  CHECK(report.what.starts_with("\\x1b[2Jaaaa"));
  CHECK(report.asked.empty());
}

TEST_CASE("an address to which nothing can be sent has no route, and is not tried again") {
  Report report;
  const Target target{Target::Scheme::tftp, "", "255.255.255.255", 69, "/x"};
  probe_tftp(
      target, {}, {}, [](auto, auto) {}, report);
  CHECK(report.cause == Cause::no_route);
  CHECK(report.what.starts_with("sending to 255.255.255.255 failed: "));
  CHECK(report.trials.empty());
}
