#include "server/ssh/packet_size.hpp"

#include <doctest/doctest.h>

#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;

TEST_CASE("a client that takes less than 64 bytes in a packet is refused, for libssh would send it nothing") {
  for (const std::uint32_t largest : {1U, 9U, 10U, 11U, 63U}) {
    CAPTURE(largest);
    SshHouse house;
    SshVisitor client(house);
    client.log_in();
    client.send(SshVisitor::channel_open("session", 0, 1000, largest));
    house.until_told<event::SshEnded>();
    const auto why =
        "the client takes packets of " + std::to_string(largest) + " bytes at most; 64 are the least";
    CHECK(house.only<event::SshEnded>().why == why);
    CHECK(client.farewell() == test::Farewell{2, why});
    house.until_empty();
  }
}

TEST_CASE("a client gets the whole file in packets of its size, and never more than its window") {
  struct Row {
    std::uint32_t largest, window;
  };
  for (const auto& row : {Row{64, 64}, Row{64, 1}, Row{100, 333}, Row{32768, 700}, Row{0xffffffff, 5000}}) {
    CAPTURE(row.largest);
    CAPTURE(row.window);
    SshHouse house;
    const auto content = SshHouse::image().substr(0, 1500);
    house.directory.write("images/EWC/17_9_4a/small", content);
    SshVisitor client(house);
    client.log_in();
    const auto channel = client.open_channel(0, row.window, row.largest);
    client.send(SshVisitor::request(channel, "exec", SshFields().string("scp -f /EWC/17_9_4a/small")));
    CHECK(test::kind_of(client.next_of(0)) == packet::channel_success);
    client.send(SshVisitor::data(channel, std::string(3, '\0')));  // the client's answers, ahead
    const auto wanted = "C0644 1500 small\n" + content + '\0';
    std::string stream;
    auto room = row.window;
    while (stream.size() < wanted.size()) {
      const auto bytes = test::data_of(client.next_of(0));
      REQUIRE_FALSE(bytes.empty());
      CHECK(bytes.size() <= row.largest);
      REQUIRE(bytes.size() <= room);
      room -= static_cast<std::uint32_t>(bytes.size());
      stream += bytes;
      if (room > 0) continue;
      room = row.window;
      client.send(SshFields(packet::window_adjust).u32(channel).u32(room));
    }
    CHECK(stream == wanted);
    CHECK(test::exit_status_of(client, 0) == 0);
  }
}
