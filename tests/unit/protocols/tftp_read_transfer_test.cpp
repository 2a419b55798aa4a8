#include "protocols/tftp/read_transfer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/support/lossy_link.hpp"

using namespace tftp;
using namespace std::chrono_literals;

namespace {

std::array<std::byte, 4> packet(Opcode opcode, std::uint16_t value) {
  return {std::byte{0}, static_cast<std::byte>(opcode), static_cast<std::byte>(value >> 8),
          static_cast<std::byte>(value & 0xff)};
}
std::array<std::byte, 4> ack(std::uint64_t block) {
  return packet(Opcode::ack, static_cast<std::uint16_t>(block));
}

Negotiated with(std::uint16_t block_size, std::uint16_t window, bool oack = false) {
  Negotiated n;
  n.block_size = block_size;
  n.window = window;
  if (oack) n.accepted = {{"blksize", std::to_string(block_size)}};
  return n;
}

// A machine that has sent what it may, and its last DATA.
struct Driven {
  Time now{};
  ReadTransfer transfer;
  explicit Driven(const Negotiated& n, std::uint64_t size) : transfer(n, size, now) {}
  std::optional<SendData> data() {
    const auto action = transfer.poll();
    if (!action) return {};
    const auto* data = std::get_if<SendData>(&*action);
    REQUIRE(data != nullptr);
    return *data;
  }
  Finished end() {
    const auto action = transfer.poll();
    REQUIRE(action);
    REQUIRE(std::holds_alternative<Finished>(*action));
    return std::get<Finished>(*action);
  }
  void expire() {
    now = transfer.deadline();
    transfer.timeout(now);
  }
};

// What a DATA packet is to a client that knows the file: its place and its length.
struct Wire {
  bool oack = false;
  std::uint16_t block = 0;
  std::uint64_t offset = 0, size = 0;
};

struct Outcome {
  End end;
  std::uint64_t got, sent_blocks, resent;
  bool complete;
  Time took;
};

// A correct client (RFC 1350, 2347, 7440) at the other end of a bad network. Time jumps to the next thing
// that happens; there is no socket and nobody sleeps.
class Simulation {
 public:
  using Habits = test::LossyLink<Wire, Time>::Habits;

  Simulation(const Negotiated& n, std::uint64_t size, Habits habits, unsigned seed)
      : n_(n),
        to_client_(habits, seed),
        to_server_({habits.loss, habits.doubling, habits.delay, habits.jitter}, seed + 1),
        transfer_(n, size, Time{}) {}

  Outcome run() {
    for (;;) {
      if (const auto end = send()) return {*end, got_, sent_, transfer_.resent(), complete_, now_};
      const auto client = complete_ ? Time::max() : client_deadline_;
      const auto next = std::min({to_client_.next().value_or(Time::max()),
                                  to_server_.next().value_or(Time::max()), transfer_.deadline(), client});
      now_ = next;
      if (to_client_.next() == next) {
        receive(to_client_.take());
      } else if (to_server_.next() == next) {
        const auto block = to_server_.take();
        transfer_.datagram(ack(block), now_);
      } else if (transfer_.deadline() == next) {
        transfer_.timeout(now_);
      } else {
        answer();  // the client's own timer
      }
    }
  }

 private:
  std::optional<End> send() {
    while (const auto action = transfer_.poll()) {
      if (const auto* finished = std::get_if<Finished>(&*action)) return finished->end;
      if (std::holds_alternative<SendOack>(*action)) to_client_.send({true}, now_);
      if (const auto* data = std::get_if<SendData>(&*action)) send(*data);
    }
    return {};
  }
  void send(const SendData& data) {
    REQUIRE(data.count <= n_.window);
    auto left = data.size;
    for (std::uint32_t i = 0; i < data.count; ++i) {
      const auto size = std::min<std::uint64_t>(left, n_.block_size);
      to_client_.send(
          {false, static_cast<std::uint16_t>(data.block + i), data.offset + i * n_.block_size, size}, now_);
      left -= size;
      ++sent_;
    }
    REQUIRE(left == 0);
  }
  void receive(const Wire& wire) {
    if (complete_) return answer();
    if (wire.oack) return started_ ? void() : answer();
    started_ = true;
    if (wire.block != static_cast<std::uint16_t>(expected_)) {
      if (wire.block == static_cast<std::uint16_t>(expected_ - 1) || gap_answered_) return;
      gap_answered_ = true;
      return answer();
    }
    CHECK(wire.offset == got_);  // the machine never names the wrong bytes
    gap_answered_ = false;
    got_ += wire.size;
    ++expected_;
    complete_ = wire.size < n_.block_size;
    if (complete_ || ++in_window_ == n_.window) answer();
  }
  void answer() {
    in_window_ = 0;
    client_deadline_ = now_ + 3s;
    to_server_.send(expected_ - 1, now_);
  }

  const Negotiated n_;
  test::LossyLink<Wire, Time> to_client_;
  test::LossyLink<std::uint64_t, Time> to_server_;
  ReadTransfer transfer_;
  Time now_{}, client_deadline_{3s};
  std::uint64_t got_ = 0, expected_ = 1, sent_ = 0;
  unsigned in_window_ = 0;
  bool started_ = false, complete_ = false, gap_answered_ = false;
};

Outcome run(const Negotiated& n, std::uint64_t size, Simulation::Habits habits = {}, unsigned seed = 1) {
  return Simulation(n, size, habits, seed).run();
}

}  // namespace

TEST_CASE("an empty file is one empty DATA, and a multiple of the block size ends with one") {
  struct Row {
    std::uint64_t size, blocks;
  };
  for (const auto& [size, blocks] :
       {Row{0, 1}, Row{1, 1}, Row{511, 1}, Row{512, 2}, Row{513, 2}, Row{10240, 21}}) {
    const auto outcome = run(with(512, 1), size);
    CHECK(outcome.end == End::sent);
    CHECK(outcome.got == size);
    CHECK(outcome.sent_blocks == blocks);
  }
  CHECK(run(with(512, 4), 512 * 8).sent_blocks == 9);
}

TEST_CASE("block numbers wrap to 0 as often as the file needs, in lockstep and in windows") {
  for (const auto window : std::to_array<std::uint16_t>({1, 16, 64})) {
    const auto outcome = run(with(8, window, true), 8 * 200'000);
    CHECK(outcome.end == End::sent);
    CHECK(outcome.got == 8 * 200'000);
    CHECK(outcome.sent_blocks == 200'001);
    CHECK(outcome.resent == 0);
  }
}

TEST_CASE("every size, window and pattern of loss, doubling and reordering delivers exactly the file") {
  int runs = 0;
  for (const auto window : std::to_array<std::uint16_t>({1, 2, 4, 16, 64})) {
    for (const std::uint64_t size : {0, 1, 511, 512, 513, 40'960, 100'000}) {
      for (unsigned seed = 0; seed < 100; ++seed) {
        auto n = with(512, window, seed % 2 == 0);
        if (seed % 3 == 0) n.timeout = 1s;
        const auto outcome = run(n, size, {.loss = 0.1, .doubling = 0.1, .jitter = 300us}, seed);
        ++runs;
        REQUIRE(outcome.end == End::sent);
        // The server may end before the client knows: the last ACK, never the last DATA, may be the lost one.
        if (outcome.complete) REQUIRE(outcome.got == size);
      }
    }
  }
  CHECK(runs == 3500);
}

TEST_CASE("no DATA leaves before ACK 0 when there is an OACK, and the OACK is repeated") {
  Driven d(with(1428, 1, true), 5000);
  CHECK(std::holds_alternative<SendOack>(d.transfer.poll().value()));
  CHECK_FALSE(d.transfer.poll());
  d.transfer.datagram(ack(1), d.now);
  CHECK_FALSE(d.transfer.poll());
  d.expire();
  CHECK(std::holds_alternative<SendOack>(d.transfer.poll().value()));
  d.transfer.datagram(ack(0), d.now);
  CHECK(d.data()->block == 1);
}

TEST_CASE("a repeated ACK repeats nothing in lockstep (Sorcerer's Apprentice)") {
  Driven d(with(512, 1), 2000);
  CHECK(d.data()->block == 1);
  d.transfer.datagram(ack(1), d.now);
  CHECK(d.data()->block == 2);
  d.transfer.datagram(ack(1), d.now);
  d.transfer.datagram(ack(0), d.now);
  CHECK_FALSE(d.transfer.poll());
  d.expire();
  CHECK(d.data()->block == 2);
  CHECK(d.transfer.resent() == 1);
}

TEST_CASE("in a window an ACK inside it, or a repeated one, resends from the block behind it, once") {
  Driven d(with(512, 8), 100'000);
  CHECK(d.data()->count == 8);
  d.transfer.datagram(ack(3), d.now);
  auto data = d.data();
  CHECK(data->block == 4);
  CHECK(data->count == 8);
  CHECK(d.transfer.resent() == 5);
  d.transfer.datagram(ack(3), d.now);
  CHECK(d.data()->block == 4);
  d.transfer.datagram(ack(3), d.now);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("an ACK of a block that was never sent is nobody's") {
  Driven d(with(512, 1), 2000);
  CHECK(d.data()->block == 1);
  d.transfer.datagram(ack(2), d.now);
  d.transfer.datagram(ack(65535), d.now);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("short packets, a repeated request and trailing bytes do no harm; DATA from a reader is an error") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.datagram(Bytes(ack(1)).first(3), d.now);
  d.transfer.datagram(packet(Opcode::rrq, 0), d.now);
  CHECK_FALSE(d.transfer.poll());
  d.transfer.datagram(packet(Opcode::data, 1), d.now);
  CHECK(std::get<SendError>(d.transfer.poll().value()).code == ErrorCode::illegal_operation);
  CHECK(d.end().end == End::aborted);
}

TEST_CASE("the client's ERROR ends it, with code and text, terminated or not") {
  Driven d(with(512, 1), 2000);
  d.data();
  const std::string error("\0\5\0\3disk full", 13);
  d.transfer.datagram(std::as_bytes(std::span(error)), d.now);
  const auto end = d.end();
  CHECK(end.end == End::aborted);
  CHECK(end.client_code == 3);
  CHECK(end.client_text == "disk full");
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("a client that falls silent is given up on after 63 s as tftpd-hpa does, or by its own timeout") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.datagram(ack(1), d.now);
  d.data();
  int resends = 0;
  while (!d.transfer.over()) {
    d.expire();
    if (!d.transfer.over()) resends += d.data().has_value();
  }
  CHECK(d.end().end == End::stalled);
  CHECK(resends == 5);
  CHECK(d.now - Time{} == 63s);

  auto n = with(512, 1, true);
  n.timeout = 3s;
  Driven timed(n, 2000);
  timed.transfer.poll();
  timed.transfer.datagram(ack(0), timed.now);
  CHECK(timed.transfer.deadline() - Time{} == 3s);
  while (!timed.transfer.over()) timed.expire();
  CHECK(timed.now - Time{} == 30s);
}

TEST_CASE("a client that never answers is given up on after 30 s, whatever timeout it named") {
  for (const auto timeout : {1s, 20s, 255s}) {
    auto n = with(512, 1, true);
    n.timeout = timeout;
    Driven d(n, 2000);
    while (!d.transfer.over()) d.expire();
    CHECK(d.now - Time{} == 30s);
  }
  Driven plain(with(512, 1), 2000);
  while (!plain.transfer.over()) plain.expire();
  CHECK(plain.now - Time{} == 30s);
}

TEST_CASE("a timer that fires early changes nothing") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.timeout(d.now + 999ms);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("when only the last ACK is missing, the file was sent") {
  Driven d(with(512, 1), 600);
  d.data();
  d.transfer.datagram(ack(1), d.now);
  CHECK(d.data()->size == 88);
  while (!d.transfer.over()) {
    d.expire();
    if (!d.transfer.over()) d.data();
  }
  const auto end = d.end();
  CHECK(end.end == End::sent);
  CHECK_FALSE(end.confirmed);
}

TEST_CASE("a file that was cut short ends in an ERROR, never as a short file") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.file_cut_short();
  CHECK(std::get<SendError>(d.transfer.poll().value()).text == "The file changed while it was read");
  CHECK(d.end().end == End::cut);
}
