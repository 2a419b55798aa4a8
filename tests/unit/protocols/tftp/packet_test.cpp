#include "protocols/tftp/packet.hpp"

#include <doctest/doctest.h>

using namespace tftp;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text(const std::vector<std::byte>& packet) {
  return {reinterpret_cast<const char*>(packet.data()), packet.size()};
}
std::string oack_for(std::string_view options, std::uint64_t size = 70'512'640, Limits limits = {}) {
  const std::string packet = std::string("\0\1ap1g8\0octet\0"sv) + std::string(options);
  const auto negotiated = negotiate(parse_request(bytes(packet)).value(), size, limits);
  return negotiated.accepted.empty() ? "" : text(encode_oack(negotiated)).substr(2);
}

}  // namespace

TEST_CASE("a request is a filename, a mode in any case, and options as they were spelled") {
  const auto rrq =
      parse_request(bytes("\0\1/EWC/17_9_4a/ap1g8\0OcTeT\0BlkSize\0001428\0tsize\0000\0"sv)).value();
  CHECK_FALSE(rrq.write);
  CHECK(rrq.filename == "/EWC/17_9_4a/ap1g8");
  CHECK(rrq.mode == Mode::octet);
  REQUIRE(rrq.options.size() == 2);
  CHECK(rrq.options[0].name == "BlkSize");
  CHECK(rrq.options[1].value == "0");
  CHECK(parse_request(bytes("\0\2f\0netascii\0"sv))->write);
  CHECK(parse_request(bytes("\0\2f\0netascii\0"sv))->mode == Mode::netascii);
  CHECK(parse_request(bytes("\0\1\0octet\0"sv))->filename.empty());
}

TEST_CASE("what is no request is told apart from a broken one") {
  for (const auto packet : {""sv, "\0"sv, "\0\0f\0octet\0"sv, "\0\3\0\1"sv, "\0\4\0\0"sv, "\0\5\0\0x\0"sv,
                            "\0\7f\0octet\0"sv, "\xff\xff"sv, "\1\0f\0octet\0"sv}) {
    CHECK(parse_request(bytes(packet)).error() == Malformed::not_a_request);
  }
  for (const auto packet : {"\0\1"sv, "\0\1f"sv, "\0\1f\0"sv, "\0\1f\0octet"sv}) {
    CHECK(parse_request(bytes(packet)).error() == Malformed::unterminated);
  }
  CHECK(parse_request(bytes("\0\1f\0octets\0"sv)).error() == Malformed::unknown_mode);
}

TEST_CASE("garbage behind the mode, and an option without its value, are passed over") {
  CHECK(parse_request(bytes("\0\1f\0octet\0\0\0garbage"sv))->options.empty());
  CHECK(parse_request(bytes("\0\1f\0octet\0blksize\0"sv))->options.empty());
  CHECK(parse_request(bytes("\0\1f\0octet\0blksize\0512"sv))->options.empty());
}

TEST_CASE("the OACK holds what was asked, in the client's order and spelling, and not a byte more") {
  CHECK(oack_for("") == "");
  CHECK(oack_for("blksize\0001428\0"sv) == "blksize\0001428\0"sv);
  CHECK(oack_for("TSize\0000\0BLKSIZE\0008192\0"sv) == "TSize\00070512640\0BLKSIZE\0008192\0"sv);
  CHECK(oack_for("timeout\0006\0windowsize\00016\0"sv) == "timeout\0006\0windowsize\00016\0"sv);
  CHECK(oack_for("multicast\0\0"sv) == "");
  CHECK(oack_for("x\0y\0blksize\000512\0"sv) == "blksize\000512\0"sv);
  CHECK(oack_for("blksize\0001024\0blksize\0002048\0"sv) == "blksize\0001024\0"sv);
  CHECK(oack_for("tsize\0000\0"sv, 5'368'709'120) == "tsize\0005368709120\0"sv);
  CHECK(oack_for("tsize\0000\0blksize\000512\0"sv, 0) == "blksize\000512\0"sv);  // curl refuses "tsize 0"
}

TEST_CASE("an option that is out of range or garbage is left out") {
  for (const std::string_view name : {"blksize", "windowsize", "timeout", "tsize"}) {
    for (const std::string_view value :
         {"abc", "", "-1", "12x", "+5", " 5", "5 ", "99999999999999999999", "0x10"}) {
      CAPTURE(name);
      CAPTURE(value);
      CHECK(oack_for(std::string(name) + '\0' + std::string(value) + '\0') == "");
    }
  }
  for (const auto option : {"blksize\0007\0"sv, "blksize\00065465\0"sv, "windowsize\0000\0"sv,
                            "windowsize\00065536\0"sv, "timeout\0000\0"sv, "timeout\000256\0"sv}) {
    CHECK(oack_for(option) == "");
  }
}

TEST_CASE("the range's ends are in it, and the administrator's limits only lower a value") {
  CHECK(oack_for("blksize\0008\0"sv) == "blksize\0008\0"sv);
  CHECK(oack_for("blksize\00065464\0"sv) == "blksize\00065464\0"sv);
  CHECK(oack_for("blksize\00065464\0"sv, 0, {1400, 64}) == "blksize\0001400\0"sv);
  CHECK(oack_for("blksize\000512\0"sv, 0, {1400, 64}) == "blksize\000512\0"sv);
  CHECK(oack_for("windowsize\00065535\0"sv, 0, {512, 64}) == "windowsize\00064\0"sv);
  CHECK(oack_for("timeout\000255\0"sv) == "timeout\000255\0"sv);
}

TEST_CASE("trap 10: blksize2 is a power of two, and of two options that say the same the first counts") {
  CHECK(oack_for("blksize2\0001500\0"sv) == "blksize2\0001024\0"sv);
  CHECK(oack_for("blksize2\00065535\0"sv) == "blksize2\00032768\0"sv);
  CHECK(oack_for("blksize2\0001024\0blksize\0001428\0"sv) == "blksize2\0001024\0"sv);
  CHECK(oack_for("blksize\0007\0blksize2\0001024\0"sv) == "blksize2\0001024\0"sv);
  CHECK(oack_for("timeout\0003\0utimeout\000500000\0"sv) == "timeout\0003\0"sv);
  CHECK(oack_for("utimeout\00010000\0"sv) == "utimeout\00010000\0"sv);
  CHECK(oack_for("utimeout\0009999\0"sv) == "");
  CHECK(oack_for("utimeout\000255000001\0"sv) == "");
  CHECK(oack_for("rollover\0001\0"sv) == "rollover\0001\0"sv);
  CHECK(oack_for("rollover\0002\0"sv) == "");
}

TEST_CASE("a window's bytes are bounded, in whatever order the options stand") {
  const Limits limits{65464, 64, 65536};
  CHECK(oack_for("windowsize\00016\0blksize\0008192\0"sv, 0, limits) ==
        "windowsize\0008\0blksize\0008192\0"sv);
  CHECK(oack_for("blksize\00065464\0WindowSize\00016\0"sv, 0, limits) ==
        "blksize\00065464\0WindowSize\0001\0"sv);
  CHECK(oack_for("blksize\0001428\0windowsize\00016\0"sv, 0, limits) ==
        "blksize\0001428\0windowsize\00016\0"sv);
}

TEST_CASE("an ERROR is the code and printable text of bounded length") {
  CHECK(text(encode_error(ErrorCode::file_not_found, "File not found")) == "\0\5\0\1File not found\0"sv);
  CHECK(text(encode_error(ErrorCode::undefined, "a\x1b[31m\nb\xc3\xbc")) == "\0\5\0\0a?[31m?b??\0"sv);
  CHECK(encode_error(ErrorCode::undefined, std::string(1000, 'x')).size() == 4 + 199 + 1);
}

TEST_CASE("what the file system says becomes TFTP's code") {
  struct Row {
    std::errc error;
    ErrorCode code;
  };
  for (const auto& [error, code] : {Row{std::errc::no_such_file_or_directory, ErrorCode::file_not_found},
                                    Row{std::errc::not_a_directory, ErrorCode::file_not_found},
                                    Row{std::errc::is_a_directory, ErrorCode::file_not_found},
                                    Row{std::errc::permission_denied, ErrorCode::access_denied},
                                    Row{std::errc::operation_not_permitted, ErrorCode::access_denied},
                                    Row{std::errc::io_error, ErrorCode::undefined},
                                    Row{std::errc::too_many_files_open, ErrorCode::undefined}}) {
    CHECK(code_of(std::make_error_code(error)) == code);
  }
}

TEST_CASE("a request that is longer than any device's is refused, whatever it says") {
  const auto request = [](std::string_view name, int options, std::size_t padding) {
    auto packet = "\0\1"s + std::string(name) + "\0octet\0"s;
    for (int i = 0; i < options; ++i) packet += "o"s + std::to_string(i) + "\0001\0"s;
    return packet + std::string(padding, '\0');
  };
  const auto refused = [](std::string_view packet) {
    const auto parsed = parse_request(bytes(packet));
    return !parsed && parsed.error() == Malformed::too_large;
  };
  CHECK_FALSE(refused(request("f", 16, 0)));
  CHECK(refused(request("f", 17, 0)));
  CHECK_FALSE(refused(request(std::string(1024, 'n'), 0, 0)));
  CHECK(refused(request(std::string(1025, 'n'), 0, 0)));
  const auto bare = request("f", 0, 0).size();
  CHECK_FALSE(refused(request("f", 0, 2048 - bare)));  // filled up with zeros
  CHECK(refused(request("f", 0, 2049 - bare)));
}

TEST_CASE("a request goes out as it would be understood") {
  const Request request{false, "/EWC/17_9_4a/ap1g8", Mode::octet, {{"tsize", "0"}, {"blksize", "1428"}}};
  CHECK(text(encode_request(request)) == "\0\1/EWC/17_9_4a/ap1g8\0octet\0tsize\0000\0blksize\0001428\0"s);
  const auto again = parse_request(encode_request(request)).value();
  CHECK(again.filename == request.filename);
  CHECK(again.options.size() == 2);
  CHECK(text(encode_request({true, "f", Mode::netascii, {}})) == "\0\2f\0netascii\0"s);
}

TEST_CASE("an OACK is read whole or not at all") {
  const auto options = parse_oack(bytes("\0\6BLKSIZE\0001428\0tsize\0007\0"sv)).value();
  REQUIRE(options.size() == 2);
  CHECK(is_same_option(options[0].name, "blksize"));
  CHECK_FALSE(is_same_option("blksize", "blksize2"));
  CHECK(options[1].value == "7");
  CHECK(parse_oack(bytes("\0\6"sv)).value().empty());
  for (const auto packet :
       {""sv, "\0"sv, "\0\5\0\1x\0"sv, "\0\6blksize"sv, "\0\6blksize\0"sv, "\0\6blksize\0001"sv})
    CHECK_FALSE(parse_oack(bytes(packet)));
  std::string many("\0\6", 2);
  for (std::size_t i = 0; i <= most_options; ++i) many += "a\0b\0"s;
  CHECK_FALSE(parse_oack(bytes(many)));
}
