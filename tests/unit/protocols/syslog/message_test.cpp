#include "protocols/syslog/message.hpp"

#include <doctest/doctest.h>

#include <string>

using syslog::parse;

TEST_CASE("each form of a line gives the sender's name and its text") {
  struct Row {
    std::string_view datagram, host, text;
    unsigned facility, severity;
  };
  constexpr std::string_view said = "%INSTALL-3-OPERATION_ERROR_MESSAGE: x";
  for (const auto& [datagram, host, text, facility, severity] : {
           // IOS XE, as it comes; with `logging origin-id hostname`; with `service sequence-numbers`
           Row{"<187>57: *Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", "",
               "*Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", 23, 3},
           Row{"<187>57: 9120-EWC: *Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", "9120-EWC",
               "*Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", 23, 3},
           Row{"<187>57: 000061: Feb  1 20:52:13.977 UTC: %SYS-5-CONFIG_I: y", "",
               "Feb  1 20:52:13.977 UTC: %SYS-5-CONFIG_I: y", 23, 3},
           Row{"<189>: 9120-EWC: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", "9120-EWC", said, 23, 5},
           Row{"<189>57: 172.16.4.26: .Feb  1 20:52:13: %SYS-5-A: b", "172.16.4.26",
               ".Feb  1 20:52:13: %SYS-5-A: b", 23, 5},
           // RFC 3164: an access point, a relay, logger --rfc3164
           Row{"<13>Feb 13 11:11:21 kernel: [*02/13/2024 11:11:21.4662] CAPWAP State: Image Data", "",
               "kernel: [*02/13/2024 11:11:21.4662] CAPWAP State: Image Data", 1, 5},
           Row{"<30>Feb  1 20:29:14 9120-EWC 57: *Feb  1 20:29:13.108: %INSTALL-5-A: b", "9120-EWC",
               "*Feb  1 20:29:13.108: %INSTALL-5-A: b", 3, 6},
           Row{"<13>Nov 29 06:01:02 host root: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", "host",
               "root: %INSTALL-3-OPERATION_ERROR_MESSAGE: x", 1, 5},
           // RFC 5424: logger, and the example of the standard
           Row{"<13>1 2026-11-29T06:01:02.123456+00:00 host root - - [timeQuality tzKnown=\"1\" "
               "isSynced=\"0\"] "
               "%INSTALL-3-OPERATION_ERROR_MESSAGE: x",
               "host", said, 1, 5},
           Row{"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' "
               "failed",
               "mymachine.example.com", "'su root' failed", 4, 2},
           Row{"<165>1 - - - - - [a b=\"]\\\"]\"][c]", "", "", 20, 5},
           // without a priority, or with none that is one
           Row{"Failed to download file tftp://192.0.2.2/a: Timed out", "",
               "Failed to download file tftp://192.0.2.2/a: Timed out", 1, 5},
           Row{"<192>x", "", "<192>x", 1, 5},
           Row{"<1a>x", "", "<1a>x", 1, 5},
           Row{"<>x", "", "<>x", 1, 5},
           Row{"<0013>x", "", "<0013>x", 1, 5},
           Row{"<13>x\r\n", "", "x", 1, 5},
           Row{"<13>", "", "", 1, 5},
           Row{"", "", "", 1, 5},
           Row{"\n", "", "", 1, 5},
       }) {
    CAPTURE(datagram);
    const auto message = parse(datagram);
    CHECK(message.host == host);
    CHECK(message.text == text);
    CHECK(message.facility == facility);
    CHECK(message.severity == severity);
  }
}

TEST_CASE("what is almost one of the forms is a text") {
  for (const std::string_view text :
       {"1 2026-11-29T06:01:02Z host", "1 yesterday host a b c - x", "1 - host a b c [open x", "Feb 30",
        "anF  1 20:52:13 h x", "Feb  1 20:52:1x h x", "57:x", "name: and more"}) {
    CAPTURE(text);
    const auto message = parse(text);
    CHECK(message.host.empty());
    CHECK(message.text == text);
  }
}

TEST_CASE("a name that no host has stays in the text") {
  CHECK(parse("<13>Feb  1 20:29:14 \x1b[31mhost x y").host.empty());
  CHECK(parse("<13>1 - ho\x1bst a b c - x").host.empty());
  CHECK(parse("<13>1 - ho\x1bst a b c - x").text == "x");
}

TEST_CASE("of a long datagram the beginning is read") {
  const auto message = parse("<13>" + std::string(100'000, 'a'));
  CHECK(message.text.size() == syslog::longest_message - 4);
}
