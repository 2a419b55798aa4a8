#include "protocols/tftp/read_transfer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "protocols/tftp/block_numbers.hpp"
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
  n.request_size = 60;
  if (oack) n.accepted = {{"blksize", std::to_string(block_size)}};
  return n;
}

// A machine that has sent what it may, and its last DATA.
struct Driven {
  Time now{};
  ReadTransfer transfer;
  explicit Driven(const Negotiated& n, std::uint64_t size, bool may_be_forged = false)
      : transfer(n, size, now, may_be_forged) {}
  std::optional<SendData> data() {
    const auto action = transfer.poll();
    if (!action) return {};
    const auto* data = std::get_if<SendData>(&*action);
    REQUIRE(data != nullptr);
    transfer.sent(now);
    return *data;
  }
  void data_if_any() {
    if (transfer.over()) return;
    if (transfer.poll()) transfer.sent(now);
  }
  void oack() {
    REQUIRE(std::holds_alternative<SendOack>(transfer.poll().value()));
    transfer.sent(now);
  }
  void acknowledge(std::uint64_t block, std::chrono::microseconds later = {}) {
    now += later;
    transfer.datagram(ack(block), now);
  }
  // How long it waits before it says the same again.
  std::chrono::microseconds wait() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(transfer.deadline() - now);
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

// All of it was sent, whether or not the last ACK came back.
bool arrived(Cause cause) { return cause == Cause::complete || cause == Cause::unconfirmed; }

struct Outcome {
  Cause cause;
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
        if (block == the_request) {
          transfer_.repeated(now_);
          continue;
        }
        transfer_.datagram(packet(Opcode::ack, BlockNumbers(n_.rollover).wire(block)), now_);
      } else if (transfer_.deadline() == next) {
        transfer_.timeout(now_);
      } else {
        answer();  // the client's own timer
      }
    }
  }

 private:
  std::optional<Cause> send() {
    while (const auto action = transfer_.poll()) {
      if (const auto* finished = std::get_if<Finished>(&*action)) return finished->cause;
      if (std::holds_alternative<SendOack>(*action)) to_client_.send({true}, now_);
      if (const auto* data = std::get_if<SendData>(&*action)) send(*data);
      transfer_.sent(now_);
    }
    return {};
  }
  void send(const SendData& data) {
    REQUIRE(data.count <= n_.window);
    auto left = data.size;
    for (std::uint32_t i = 0; i < data.count; ++i) {
      const auto size = std::min<std::uint64_t>(left, n_.block_size);
      to_client_.send(
          {false, BlockNumbers(n_.rollover).wire(data.block + i), data.offset + i * n_.block_size, size},
          now_);
      left -= size;
      ++sent_;
    }
    REQUIRE(left == 0);
  }
  void receive(const Wire& wire) {
    heard_ = true;
    if (complete_) return answer();
    if (wire.oack) return started_ ? void() : answer();
    started_ = true;
    const BlockNumbers numbers(n_.rollover);
    if (wire.block != numbers.wire(expected_)) {
      if (wire.block == numbers.wire(expected_ - 1) || gap_answered_) return;
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
    to_server_.send(heard_ ? expected_ - 1 : the_request, now_);
  }

  static constexpr std::uint64_t the_request = ~0ULL;

  const Negotiated n_;
  test::LossyLink<Wire, Time> to_client_;
  test::LossyLink<std::uint64_t, Time> to_server_;
  ReadTransfer transfer_;
  Time now_{}, client_deadline_{3s};
  std::uint64_t got_ = 0, expected_ = 1, sent_ = 0;
  unsigned in_window_ = 0;
  bool heard_ = false, started_ = false, complete_ = false, gap_answered_ = false;
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
    CHECK(outcome.cause == Cause::complete);
    CHECK(outcome.got == size);
    CHECK(outcome.sent_blocks == blocks);
  }
  CHECK(run(with(512, 4), 512 * 8).sent_blocks == 9);
}

TEST_CASE("trap 1: block numbers wrap to 0 or 1 as often as the file needs, in lockstep and in windows") {
  for (const auto rollover : std::to_array<std::uint16_t>({0, 1})) {
    for (const auto window : std::to_array<std::uint16_t>({1, 16, 64})) {
      auto n = with(8, window, true);
      n.rollover = rollover;
      const auto outcome = run(n, 8 * 200'000);
      CHECK(outcome.cause == Cause::complete);
      CHECK(outcome.got == 8 * 200'000);
      CHECK(outcome.sent_blocks == 200'001);
      CHECK(outcome.resent == 0);
    }
  }
}

TEST_CASE("every size, window and pattern of loss, doubling and reordering delivers exactly the file") {
  int runs = 0;
  for (const auto window : std::to_array<std::uint16_t>({1, 2, 4, 16, 64})) {
    for (const std::uint64_t size : {0, 1, 511, 512, 513, 40'960, 100'000}) {
      for (unsigned seed = 0; seed < 100; ++seed) {
        auto n = with(512, window, seed % 2 == 0);
        if (seed % 3 == 0) n.timeout = 1s;
        n.rollover = seed % 5 == 0;
        const auto outcome = run(n, size, {.loss = 0.1, .doubling = 0.1, .jitter = 300us}, seed);
        ++runs;
        CAPTURE(window);
        CAPTURE(size);
        CAPTURE(seed);
        // Of a client that has all in its first window, and whose ACK is lost, nothing is known.
        const bool unheard = outcome.cause == Cause::silence && outcome.complete && size < 512U * window;
        if (!unheard) REQUIRE(arrived(outcome.cause));
        // The server may end before the client knows: the last ACK, never the last DATA, may be the lost one.
        if (outcome.complete) REQUIRE(outcome.got == size);
      }
    }
  }
  CHECK(runs == 3500);
}

TEST_CASE("trap 12: no DATA leaves before ACK 0 when there is an OACK, and the OACK is repeated") {
  Driven d(with(1428, 1, true), 5000);
  d.oack();
  CHECK_FALSE(d.transfer.poll());
  d.acknowledge(1);
  CHECK_FALSE(d.transfer.poll());
  d.expire();
  d.oack();
  d.acknowledge(0);
  CHECK(d.data()->block == 1);
}

TEST_CASE("trap 3: a repeated ACK repeats nothing in lockstep (Sorcerer's Apprentice)") {
  Driven d(with(512, 1), 2000);
  CHECK(d.data()->block == 1);
  d.acknowledge(1);
  CHECK(d.data()->block == 2);
  d.acknowledge(1);
  d.acknowledge(0);
  CHECK_FALSE(d.transfer.poll());
  d.expire();
  CHECK(d.data()->block == 2);
  CHECK(d.transfer.resent() == 1);
}

TEST_CASE("trap 4: in a window an ACK inside it, or a repeated one, resends from the block behind it, once") {
  Driven d(with(512, 8), 100'000);
  CHECK(d.data()->count == 8);
  d.acknowledge(3);
  auto data = d.data();
  CHECK(data->block == 4);
  CHECK(data->count == 8);
  CHECK(d.transfer.resent() == 5);
  d.acknowledge(3);
  CHECK(d.data()->block == 4);
  d.acknowledge(3);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("trap 5: an ACK of a block that was never sent is nobody's") {
  Driven d(with(512, 1), 2000);
  CHECK(d.data()->block == 1);
  d.acknowledge(2);
  d.acknowledge(65535);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("trap 5: behind the first wrap an ACK ahead of what was sent is nobody's either") {
  for (const auto rollover : std::to_array<std::uint16_t>({0, 1})) {
    auto n = with(8, 1);
    n.rollover = rollover;
    Driven d(n, 8 * 70'000);
    const BlockNumbers numbers(rollover);
    for (std::uint64_t block = 1; block <= 66'000; ++block) {
      CHECK(d.data()->block == block);
      d.transfer.datagram(packet(Opcode::ack, numbers.wire(block)), d.now);
    }
    CHECK(d.data()->block == 66'001);
    for (const std::uint64_t wrong : {66'002, 66'100, 65'536, 1}) {
      d.transfer.datagram(packet(Opcode::ack, numbers.wire(wrong)), d.now);
      CHECK_FALSE(d.transfer.poll());
    }
  }
}

TEST_CASE("what was not asked for does no harm: short packets, requests, DATA, an OACK, unknown opcodes") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.datagram(Bytes(ack(1)).first(3), d.now);
  d.transfer.datagram(packet(Opcode::rrq, 0), d.now);
  CHECK_FALSE(d.transfer.poll());
  for (const auto opcode : {0, 2, 3, 6, 7, 255}) {
    d.transfer.datagram(packet(static_cast<Opcode>(opcode), 1), d.now);
    CHECK_FALSE(d.transfer.poll());
  }
  CHECK_FALSE(d.transfer.answered());
  d.acknowledge(1);
  CHECK(d.data()->block == 2);
}

TEST_CASE("the client's ERROR ends it, with code and text, terminated or not") {
  Driven d(with(512, 1), 2000);
  d.data();
  const std::string error("\0\5\0\3disk full", 13);
  d.transfer.datagram(std::as_bytes(std::span(error)), d.now);
  const auto end = d.end();
  CHECK(end.cause == Cause::client_error);
  CHECK(end.by() == protocols::EndedBy::client);
  CHECK(end.code == 3);
  CHECK(end.text == "disk full");
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("trap 20: a silent client is waited for longer than its own retries last") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.acknowledge(1);
  std::vector<std::chrono::microseconds> waits;
  while (!d.transfer.over()) {
    if (d.data()) waits.push_back(d.wait());
    d.expire();
  }
  CHECK(d.end().cause == Cause::silence);
  CHECK(d.now - Time{} == 63s);
  CHECK(waits.front() == 100ms);
  CHECK(waits.at(3) == 800ms);
  CHECK(*std::ranges::max_element(waits) == 8s);

  auto n = with(512, 1, true);
  n.timeout = 20s;
  Driven timed(n, 2000);
  timed.oack();
  timed.acknowledge(0);
  while (!timed.transfer.over()) {
    timed.data();
    timed.expire();
  }
  CHECK(timed.now - Time{} == 120s);
}

TEST_CASE("trap 26: before a client has answered, little is sent, and no longer than 30 s") {
  for (const auto timeout : {1s, 20s, 255s}) {
    auto n = with(1428, 16, true);
    n.timeout = timeout;
    Driven d(n, 2000);
    int packets = 0;
    while (!d.transfer.over()) {
      while (const auto action = d.transfer.poll()) {
        packets += std::holds_alternative<SendOack>(*action);
        d.transfer.sent(d.now);
      }
      d.expire();
    }
    CHECK(packets * encode_oack(n).size() <= 3 * n.request_size);
    CHECK(packets > 1);
    CHECK(d.now - Time{} == 30s);
  }
  Driven plain(with(512, 1), 2000);  // DATA 1 goes out at once
  int packets = 0;
  while (!plain.transfer.over()) {
    packets += plain.data().has_value();
    plain.expire();
  }
  CHECK(packets == 1);  // 516 bytes are more than three requests already
  CHECK(plain.now - Time{} == 30s);
}

TEST_CASE("trap 7: a repeated request gets the first answer again, until the client has answered") {
  Driven d(with(512, 1, true), 2000);
  d.oack();
  d.transfer.repeated(d.now + 100ms);  // the network doubled it
  CHECK_FALSE(d.transfer.poll());
  d.transfer.repeated(d.now + 900ms);
  d.oack();
  d.transfer.repeated(d.now + 1000ms);
  CHECK_FALSE(d.transfer.poll());
  d.acknowledge(0, 1s);
  CHECK(d.data()->block == 1);
  d.transfer.repeated(d.now + 5s);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("trap 26: who only repeats the request holds the transfer no longer than 30 s") {
  for (const bool oack : {false, true}) {
    Driven d(with(512, 1, oack), 2000);
    while (!d.transfer.over() && d.now - Time{} < 60s) {
      while (d.transfer.poll()) d.transfer.sent(d.now);
      d.now += 1s;
      d.transfer.timeout(d.now);
      d.transfer.repeated(d.now);
    }
    CHECK(d.transfer.over());
    CHECK(d.now - Time{} <= 31s);
  }
}

TEST_CASE("while the disk is asked, a repeated request starts no timer") {
  Driven d(with(512, 1, false), 2000);
  REQUIRE(d.transfer.poll());
  d.now += 1s;
  d.transfer.repeated(d.now);
  CHECK(d.transfer.deadline() == Time::max());
  d.now += 60s;
  d.transfer.timeout(d.now);
  d.transfer.sent(d.now);
  CHECK(d.transfer.deadline() > d.now);
  CHECK_FALSE(d.transfer.ended());
}

TEST_CASE("trap 27: a lost block comes again after a few round trips, not after the negotiated timeout") {
  auto n = with(1428, 1, true);
  n.timeout = 6s;  // curl's
  Driven d(n, 1'000'000);
  d.oack();
  CHECK(d.wait() == 1s);  // nothing is measured yet
  d.acknowledge(0);
  for (std::uint64_t block = 1; block <= 50; ++block) {
    d.data();
    d.acknowledge(block, 80ms);
  }
  d.data();
  CHECK(d.wait() >= 80ms);
  CHECK(d.wait() <= 200ms);
  const auto first = d.wait();
  d.expire();
  CHECK(d.data()->block == 51);
  CHECK(d.wait() == 2 * first);
}

TEST_CASE("trap 27: never later than the negotiated timeout, however slow the round trip is") {
  auto n = with(512, 1, true);
  n.timeout = 300ms;  // by utimeout
  Driven d(n, 100'000);
  d.oack();
  CHECK(d.wait() == 1s);  // nothing is measured yet
  d.acknowledge(0);
  for (std::uint64_t block = 1; block <= 10; ++block) {
    d.data();
    d.acknowledge(block, 290ms);
  }
  d.data();
  CHECK(d.wait() == 300ms);
}

TEST_CASE("trap 27: who acknowledges twice what was sent twice is waited for longer") {
  Driven d(with(512, 1), 100'000);
  std::uint64_t block = 1;
  for (; block <= 10; ++block) {
    d.data();
    d.acknowledge(block, 1ms);
  }
  for (const auto expected : {200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    d.data();
    d.expire();  // too early: the client is writing its flash
    d.data();
    d.acknowledge(block, 1ms);
    d.data();
    d.acknowledge(block);
    ++block;
    CHECK_FALSE(d.transfer.poll());
    d.acknowledge(block++);
    d.data();
    CHECK(d.wait() == expected);
    d.acknowledge(block++, 1ms);
  }
}

TEST_CASE("with 1 % loss at 20 ms round trip a window of 16 keeps half of its rate at the least") {
  const auto n = with(1428, 16, true);
  constexpr std::uint64_t size = 1428 * 16 * 500;
  const auto clean = run(n, size, {.delay = 10ms});
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const auto lossy = run(n, size, {.loss = 0.01, .delay = 10ms}, seed);
    CHECK(arrived(lossy.cause));
    CHECK((lossy.took - Time{}) <= 2 * (clean.took - Time{}));
  }
}

TEST_CASE("a forged ACK releases one window, then three blocks, a second apart at the least") {
  auto n = with(1428, 16, true);
  n.timeout = 10ms;
  Driven d(n, 10'000'000);
  d.oack();
  d.acknowledge(0);
  CHECK(d.data()->count == 16);
  std::uint64_t blocks = 0;
  while (!d.transfer.over()) {
    const auto before = d.now;
    d.expire();
    if (d.transfer.over()) break;
    const auto data = d.data();
    if (!data) continue;
    CHECK(d.now - before >= 1s);
    CHECK(data->block == 1);
    blocks += data->count;
    CHECK_FALSE(d.data());
  }
  CHECK(blocks == 3);
}

TEST_CASE("where ACKs may be forged, no number of them draws more than a window again and 64 KiB") {
  auto n = with(1428, 16, true);
  n.timeout = 10ms;
  Driven d(n, 10'000'000, true);
  d.oack();
  d.acknowledge(0);
  CHECK(d.data()->count == 16);
  for (std::uint64_t window = 1; window <= 10; ++window) {
    d.acknowledge(16 * window, 1ms);
    CHECK(d.data()->count == 16);
  }
  std::uint64_t blocks = 0;
  while (!d.transfer.over()) {
    d.expire();
    if (d.transfer.over()) break;
    if (const auto data = d.data()) blocks += data->count;
  }
  CHECK(blocks == 16 + (64 << 10) / 1428 - 1);
  CHECK(d.now - Time{} > 1min);  // and the client may come back meanwhile
}

TEST_CASE("where ACKs may be forged, a client whose blocks were lost goes on by its own timer") {
  Driven d(with(32'768, 1), 100'000, true);
  CHECK(d.data()->block == 1);
  d.acknowledge(1, 1ms);
  CHECK(d.data()->block == 2);
  const auto lost = d.now;
  for (int i = 0; i < 3; ++i) {
    d.expire();
    CHECK(d.data()->block == 2);
  }
  CHECK(d.now - lost > 5s);  // a short outage is over by then
  d.expire();
  CHECK_FALSE(d.data());
  d.acknowledge(1, 1s);
  CHECK(d.data()->block == 2);
  d.acknowledge(2, 1ms);
  CHECK(d.data()->block == 3);
}

TEST_CASE("where ACKs may be forged, small blocks go out again until the client's patience ends") {
  Driven d(with(512, 1), 100'000, true);
  CHECK(d.data()->block == 1);
  d.acknowledge(1, 1ms);
  CHECK(d.data()->block == 2);
  int copies = 0;
  for (d.expire(); !d.transfer.over(); d.expire()) copies += d.data() ? 1 : 0;
  CHECK(copies > 10);
}

TEST_CASE("a client that asks again after that gets one block for each time that it asks") {
  Driven d(with(512, 1, true), 100'000);
  d.oack();
  d.acknowledge(0);
  CHECK(d.data()->block == 1);
  for (int i = 0; i < 3; ++i) {
    d.expire();
    CHECK(d.data()->block == 1);
  }
  d.expire();
  CHECK_FALSE(d.data());
  for (int i = 0; i < 2; ++i) {
    d.acknowledge(0, 1s);
    CHECK(d.data()->count == 1);
    CHECK_FALSE(d.data());
  }
  d.acknowledge(1, 1s);
  CHECK(d.data()->block == 2);
}

TEST_CASE("behind a measured round trip a window that is lost comes again as a whole once, then one block") {
  Driven d(with(512, 8), 100'000);
  CHECK(d.data()->count == 8);
  d.acknowledge(8, 1ms);
  CHECK(d.data()->count == 8);
  d.expire();
  CHECK(d.data()->count == 8);
  for (int i = 0; i < 4; ++i) {
    d.expire();
    const auto data = d.data();
    CHECK(data->block == 9);
    CHECK(data->count == 1);
  }
  d.acknowledge(8);  // it has nothing of the window, and says so
  CHECK(d.data()->count == 8);
  d.acknowledge(16);
  CHECK(d.data()->block == 17);
}

TEST_CASE("whoever asks for a long timeout is waited for two minutes, no longer") {
  auto n = with(512, 1, true);
  n.timeout = 255s;
  Driven d(n, 2000);
  d.oack();
  d.acknowledge(0);
  while (!d.transfer.over()) {
    d.data();
    d.expire();
  }
  CHECK(d.now - Time{} == 120s);
}

TEST_CASE("a timer that fires early changes nothing") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.timeout(d.now + 999ms);
  CHECK_FALSE(d.transfer.poll());
}

TEST_CASE("while blocks are on their way out no time runs: a slow disk is no slow client") {
  Driven d(with(512, 1, true), 2000);
  d.oack();
  d.acknowledge(0);
  d.transfer.poll();
  d.transfer.timeout(d.now + 1h);
  CHECK_FALSE(d.transfer.over());
  CHECK_FALSE(d.transfer.poll());
  d.now += 1h;
  d.transfer.sent(d.now);
  CHECK(d.wait() == 1s);
  d.expire();
  CHECK(d.data()->block == 1);
}

TEST_CASE("trap 8: when only the last ACK is missing, the file was sent") {
  Driven d(with(512, 1), 600);
  d.data();
  d.acknowledge(1);
  CHECK(d.data()->size == 88);
  while (!d.transfer.over()) {
    d.expire();
    if (!d.transfer.over()) d.data();
  }
  const auto end = d.end();
  CHECK(end.cause == Cause::unconfirmed);
}

TEST_CASE("trap 8: a client that closed its port has the file if all of it was sent, else it went away") {
  Driven d(with(512, 1), 600);
  d.data();
  d.transfer.abandoned(Cause::port_closed);
  CHECK(d.end().cause == Cause::port_closed);
  Driven whole(with(512, 1), 600);
  whole.data();
  whole.acknowledge(1);
  whole.data();
  whole.transfer.abandoned(Cause::port_closed);
  const auto end = whole.end();
  CHECK(end.cause == Cause::unconfirmed);
}

TEST_CASE("nothing is sent when no ACK ever came, whatever went out") {
  Driven closed(with(512, 1), 100);
  closed.data();
  closed.transfer.abandoned(Cause::port_closed);
  const auto end = closed.end();
  CHECK(end.cause == Cause::port_closed);
  CHECK(end.by() == protocols::EndedBy::network);
  CHECK(end.diagnosis == Diagnosis::nothing_came_back);
  CHECK(closed.transfer.bytes() == 0);

  Driven silent(with(8192, 1, true), 5000);  // one block, which the client perhaps never got
  silent.oack();
  silent.acknowledge(0);
  silent.data();
  while (!silent.transfer.over()) {
    silent.expire();
    if (!silent.transfer.over()) silent.data();
  }
  CHECK(silent.end().cause == Cause::silence);

  Driven left(with(8192, 1, true), 5000);
  left.oack();
  left.acknowledge(0);
  left.data();
  left.expire();
  left.data();
  left.transfer.abandoned(Cause::port_closed);
  const auto gave_up = left.end();
  CHECK(gave_up.cause == Cause::port_closed);
  CHECK(gave_up.diagnosis == Diagnosis::fragments_lost);
}

TEST_CASE("a silent client is told apart: never heard of, blocks too large, blocks that it cannot count") {
  const auto when_silent = [](Driven& d) {
    while (!d.transfer.over()) {
      d.expire();
      d.data_if_any();
    }
    const auto end = d.end();
    CHECK(end.cause == Cause::silence);
    CHECK(end.by() == protocols::EndedBy::network);
    return end.diagnosis;
  };
  Driven unheard(with(1468, 1, true), 100'000);
  unheard.oack();
  CHECK(when_silent(unheard) == Diagnosis::nothing_came_back);
  for (const auto& [block_size, diagnosis] :
       {std::pair{1468, Diagnosis::none}, {1469, Diagnosis::fragments_lost}}) {
    Driven d(with(static_cast<std::uint16_t>(block_size), 1, true), 100'000);
    d.oack();
    d.acknowledge(0);
    d.data();
    CHECK(when_silent(d) == diagnosis);
  }
  Driven later(with(8192, 1, true), 100'000);
  later.oack();
  later.acknowledge(0);
  later.data();
  later.acknowledge(1);
  later.data();
  CHECK(when_silent(later) == Diagnosis::none);
  for (const auto& [blocks, diagnosis] : {std::pair{32766, Diagnosis::none},
                                          {32767, Diagnosis::cannot_count},
                                          {32768, Diagnosis::cannot_count},
                                          {32769, Diagnosis::none},
                                          {65535, Diagnosis::cannot_count},
                                          {65536, Diagnosis::cannot_count}}) {
    Driven d(with(8, 1), 8 * 70'000);
    for (int block = 1; block <= blocks; ++block) {
      d.data();
      d.acknowledge(static_cast<std::uint64_t>(block));
    }
    d.data();
    CHECK(when_silent(d) == diagnosis);
  }
}

TEST_CASE("an ERROR to the OACK: who had asked for the size wanted only that, another refuses the options") {
  const std::string error("\0\5\0\10User aborted\0", 17);
  for (const auto& [option, cause] :
       {std::pair{"TSize", Cause::size_asked}, {"blksize", Cause::options_refused}}) {
    auto n = with(512, 1);
    n.accepted = {{option, "2000"}};
    Driven d(n, 2000);
    d.oack();
    d.transfer.datagram(std::as_bytes(std::span(error)), d.now);
    CHECK(d.end().cause == cause);
    Driven later(n, 2000);
    later.oack();
    later.acknowledge(0);
    later.data();
    later.transfer.datagram(std::as_bytes(std::span(error)), later.now);
    CHECK(later.end().cause == Cause::client_error);
  }
}

TEST_CASE("a client without room, and a disk of ours that fails, say so") {
  Driven full(with(512, 1), 2000);
  full.data();
  const std::string error("\0\5\0\3flash full\0", 15);
  full.transfer.datagram(std::as_bytes(std::span(error)), full.now);
  CHECK(full.end().diagnosis == Diagnosis::client_full);

  Driven unreadable(with(512, 1), 2000);
  unreadable.data();
  unreadable.transfer.file_unreadable("Input/output error");
  unreadable.transfer.poll();
  const auto end = unreadable.end();
  CHECK(end.by() == protocols::EndedBy::server);
  CHECK(end.text == "Input/output error");
}

TEST_CASE("trap 23: a file that was cut short ends in an ERROR, never as a short file") {
  Driven d(with(512, 1), 2000);
  d.data();
  d.transfer.file_changed();
  CHECK(std::get<SendError>(d.transfer.poll().value()).text == "The file changed while it was sent");
  CHECK(d.end().cause == Cause::file_changed);
}

TEST_CASE("trap 14: of a text the end shows only when it is read, and then the ACK of its block ends it") {
  Driven d(with(512, 4), 0);
  ReadTransfer text(with(512, 4), {}, d.now);
  const auto data = std::get<SendData>(text.poll().value());
  CHECK(data.count == 4);
  text.ends_with(2, 100);
  text.sent(d.now);
  CHECK_FALSE(text.poll());
  text.datagram(ack(3), d.now);  // of a block that there is not
  CHECK_FALSE(text.poll());
  text.datagram(ack(2), d.now);
  CHECK(std::get<Finished>(text.poll().value()).cause == Cause::complete);
  CHECK(text.bytes() == 612);
}
