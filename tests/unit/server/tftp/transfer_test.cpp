#include "server/tftp/transfer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/lookup/miss.hpp"
#include "tests/unit/server/tftp/house.hpp"

using namespace server;
using namespace std::chrono_literals;
using storage::Miss;
using storage::Rule;
using test::ack;
using test::bytes_of;
using test::error_packet;

namespace {

using Clock = std::chrono::steady_clock;
using Texts = std::vector<std::string>;

// A machine that does what a test says, and notes what it is told.
struct Script final : tftp::Transfer {
  using tftp::Transfer::Transfer;
  std::deque<tftp::Action> actions;
  std::string heard;
  std::uint64_t file_bytes = 0;
  bool dallies = false;
  std::function<void()> on_timeout;

  std::optional<tftp::Action> poll() override {
    if (actions.empty()) return next_ending();
    auto action = std::move(actions.front());
    actions.pop_front();
    return action;
  }
  void sent(tftp::Time) override { heard += "sent "; }
  void datagram(tftp::Bytes packet, tftp::Time now) override {
    heard += "packet ";
    if (!takes(packet, tftp::Opcode::ack)) return;
    got_on(now);
    wait_until(tftp::Time::max());
  }
  void timeout(tftp::Time) override {
    heard += "timeout ";
    wait_until(tftp::Time::max());
    if (on_timeout) on_timeout();
  }
  bool over() const override { return ended() && !dallies; }
  void end_dallying() override { dallies = false; }
  bool expects_more() const override { return true; }
  std::uint64_t bytes() const override { return file_bytes; }

  void wait_until(tftp::Time time) { deadline_ = time; }
  void try_again() { timer_.try_again(); }
  void end(tftp::Cause cause) { finish({cause}); }

 private:
  std::size_t first_answer_size() const override { return 4; }
  void send_again() override { heard += "again "; }
  tftp::Cause cause_of_error() const override { return tftp::Cause::client_error; }
  std::uint64_t blocks() const override { return 0; }
  bool lacks_large_blocks() const override { return false; }
};

// A request whose look-up does what a test says.
struct Asked final : TftpTransfer {
  using TftpTransfer::found_binary;
  using TftpTransfer::refuse;
  using TftpTransfer::resume;
  using TftpTransfer::stopped;
  using TftpTransfer::TftpTransfer;

  std::function<void(Asked&)> on_look_up;
  std::function<void()> on_perform;
  std::deque<tftp::Action> first_actions;
  Script* script = nullptr;  // the base owns it
  bool performs = true;
  std::string did;

  void begin_script(Rule rule = Rule::exact) {
    negotiate(1000, {});
    auto machine = std::make_unique<Script>(negotiated_, Clock::now());
    script = machine.get();
    script->actions = std::exchange(first_actions, {});
    begin(std::move(machine), storage::Path::parse("/EWC/17_9_4a/ap1g8").value(), rule, 1000);
  }
  void hear(const std::string& text) {
    packet(bytes_of(text), Clock::now());
    go_on(Clock::now());
  }
  void perform_next(tftp::Action action) {
    script->actions.push_back(std::move(action));
    go_on(Clock::now());
  }
  void end(tftp::Cause cause) {
    script->end(cause);
    go_on(Clock::now());
  }

 private:
  net::awaitable<void> look_up() override {
    if (on_look_up) on_look_up(*this);
    co_return;
  }
  bool perform(const tftp::Action&, tftp::Time) override {
    did += "perform ";
    if (on_perform) on_perform();
    return performs;
  }
  bool resume_action(tftp::Time) override {
    did += "resume ";
    return performs;
  }
  void closed() override { did += "closed "; }
};

struct Port final : TftpPort {
  explicit Port(int handle) : TftpPort(PacketSender(handle)) {}
  void ask_for_room() override {}
  void ask_for_turn() override {}
  void answer_later() override {}
};

struct Stage : test::TftpGround {
  TftpCommon common{loop, lanes, events, settings, library, running};
  std::shared_ptr<TftpLimits> limits = std::make_shared<TftpLimits>();
  udp::socket client{loop, udp::endpoint(net::ip::address_v4::loopback(), 0)}, ours{loop};
  const net::ip::address address = net::ip::make_address("192.0.2.1");
  int answers = 0, ends = 0;

  Stage() {
    client.non_blocking(true);
    ours.connect(client.local_endpoint());
  }
  std::shared_ptr<Asked> ask(const std::string& name, bool by_broadcast = false, int handle = 0) {
    tftp::Request request{false, name, tftp::Mode::octet, {{"blksize", "1024"}}, 20};
    TftpAsked asked{events.next_number(), std::move(request), "192.0.2.1", address, false, by_broadcast};
    TftpPlace place(limits, limits->enter(address, settings->tftp, 10'000).value());
    return std::make_shared<Asked>(common, std::move(asked), std::move(place),
                                   std::make_unique<Port>(handle == 0 ? ours.native_handle() : handle));
  }
  void start(Asked& transfer) {
    transfer.start([this] { ++answers; }, [this] { ++ends; });
    settle();
  }
  std::shared_ptr<Asked> begin(bool by_broadcast = false, int handle = 0) {
    auto transfer = ask("ap1g8", by_broadcast, handle);
    transfer->on_look_up = [](Asked& asked) { asked.begin_script(); };
    start(*transfer);
    return transfer;
  }
  void refuse(const Miss& miss, const std::string& name = "/x", bool by_broadcast = false) {
    const auto transfer = ask(name, by_broadcast);
    transfer->on_look_up = [&](Asked& asked) { asked.refuse(miss); };
    start(*transfer);
  }
  // All that has gone out to the client.
  Texts sent() {
    Texts packets;
    std::array<char, 2048> buffer;
    for (;;) {
      error_code failure;
      const auto size = client.receive(net::buffer(buffer), 0, failure);
      if (failure) return packets;
      packets.emplace_back(buffer.data(), size);
    }
  }
  std::optional<TftpLimits::Id> gives_way(Clock::duration later = {}) const {
    return limits->gives_way(address, event::Limit::transfers, Clock::now() + later);
  }
};

Miss miss_of(std::errc error) {
  return {
      storage::Cause::not_found, "/x does not exist", "ap1g8 is in /EWC", {}, std::make_error_code(error)};
}

}  // namespace

TEST_CASE("a request that nothing came of ends without a word, and gives its place back") {
  Stage stage;
  const auto transfer = stage.ask("/x");
  CHECK(stage.limits->transfers() == 1);
  stage.start(*transfer);
  CHECK(stage.ends == 1);
  CHECK(transfer->did == "closed ");
  CHECK(stage.limits->transfers() == 0);
  CHECK(stage.told.order.empty());
  CHECK(stage.sent().empty());
}

TEST_CASE("a look-up that throws ends its request, and the administrator is told why") {
  Stage stage;
  const auto transfer = stage.ask("/x");
  transfer->on_look_up = [](Asked&) { throw std::runtime_error("no memory"); };
  stage.start(*transfer);
  CHECK(stage.ends == 1);
  CHECK(stage.limits->transfers() == 0);
  CHECK(stage.told.order == Texts{"warned"});
  REQUIRE(stage.told.warned.size() == 1);
  CHECK(stage.told.warned[0].kind == Warning::broken_off);
  CHECK(stage.told.warned[0].text == "a TFTP request broke off: no memory");
}

TEST_CASE("a miss is an ERROR for the client, with the way out, and three events in their order") {
  Stage stage;
  stage.refuse(miss_of(std::errc::no_such_file_or_directory));
  CHECK(stage.sent() == Texts{error_packet(1, "File not found: /x does not exist; ap1g8 is in /EWC")});
  CHECK(stage.told.order == Texts{"requested", "refused", "missed"});
  CHECK(stage.told.requested[0].name == "/x");
  CHECK(stage.told.refused[0].code == tftp::ErrorCode::file_not_found);
  CHECK_FALSE(stage.told.refused[0].by_broadcast);
  CHECK(stage.told.missed[0].asked == "/x");
  CHECK(stage.told.missed[0].number == stage.told.refused[0].number);
  CHECK(stage.ends == 1);
}

TEST_CASE("the code of an ERROR says what the file system said") {
  Stage stage;
  for (const auto& [error, code] :
       std::vector<std::pair<std::errc, unsigned>>{{std::errc::permission_denied, 2},
                                                   {std::errc::no_space_on_device, 3},
                                                   {std::errc::file_exists, 6},
                                                   {std::errc::io_error, 0}}) {
    stage.refuse(miss_of(error));
    const auto packets = stage.sent();
    REQUIRE(packets.size() == 1);
    CHECK(test::opcode_of(packets[0]) == 5);
    CHECK(test::number_in(packets[0], 2) == code);
  }
}

TEST_CASE("a client that asks again for what is not there is answered each time, and told of once") {
  Stage stage;
  const auto missing = miss_of(std::errc::no_such_file_or_directory);
  for (int i = 0; i < 3; ++i) stage.refuse(missing);
  CHECK(stage.sent().size() == 3);
  CHECK(stage.told.missed.size() == 1);
  stage.refuse(missing, "/y");
  CHECK(stage.told.missed.size() == 2);
  auto other_cause = missing;
  other_cause.cause = storage::Cause::unreadable;
  stage.refuse(other_cause);
  CHECK(stage.told.missed.size() == 3);
}

TEST_CASE("who asked by broadcast gets no ERROR: another server may have the file") {
  Stage stage;
  stage.refuse(miss_of(std::errc::no_such_file_or_directory), "/x", true);
  CHECK(stage.sent().empty());
  REQUIRE(stage.told.refused.size() == 1);
  CHECK(stage.told.refused[0].by_broadcast);
  CHECK(stage.told.missed.size() == 1);
}

TEST_CASE("a request is told with the file that is served in place of the name, if it is another") {
  Stage stage;
  for (const auto rule : {Rule::exact, Rule::only_release}) {
    const auto transfer = stage.ask("ap1g8");
    transfer->on_look_up = [rule](Asked& asked) { asked.begin_script(rule); };
    stage.start(*transfer);
  }
  REQUIRE(stage.told.requested.size() == 2);
  CHECK(stage.told.requested[0].served.empty());
  CHECK(stage.told.requested[1].served == "/EWC/17_9_4a/ap1g8");
}

TEST_CASE("a transfer runs from its first answer on, begins with its client's, and is gone at its end") {
  Stage stage;
  const auto transfer = stage.begin();
  REQUIRE(stage.running.rows().size() == 1);
  const auto row = stage.running.rows().begin()->second;
  CHECK(row.what.asked == "ap1g8");
  CHECK(row.what.name == "/EWC/17_9_4a/ap1g8");
  CHECK(row.what.size == 1000);
  CHECK(row.what.block_size == 1024);
  CHECK(stage.told.began.empty());
  CHECK(stage.answers == 0);
  transfer->hear(ack(0));
  transfer->hear(ack(1));
  CHECK(stage.told.began.size() == 1);
  CHECK(stage.answers == 1);
  transfer->end(tftp::Cause::complete);
  CHECK(stage.running.rows().empty());
  CHECK(stage.told.order == Texts{"requested", "began", "ended"});
  CHECK(stage.ends == 1);
}

TEST_CASE("a transfer gives way from its first answer until its client answers") {
  Stage stage;
  const auto transfer = stage.ask("ap1g8");
  transfer->on_look_up = [&stage](Asked& asked) {
    CHECK_FALSE(stage.gives_way());
    asked.begin_script();
  };
  stage.start(*transfer);
  CHECK(stage.gives_way() == transfer->place());
  transfer->hear(ack(0));
  CHECK_FALSE(stage.gives_way());
  CHECK(stage.limits->transfers() == 1);
  transfer->end(tftp::Cause::complete);
  CHECK(stage.limits->transfers() == 0);
}

TEST_CASE("what a machine wants is done in its order, and the machine hears what was sent") {
  Stage stage;
  const auto transfer = stage.ask("ap1g8");
  transfer->first_actions = {tftp::SendOack{}, tftp::SendData{}, tftp::SendAck{7},
                             tftp::SendError{tftp::ErrorCode::disk_full, "no room"}};
  transfer->on_look_up = [](Asked& asked) { asked.begin_script(); };
  stage.start(*transfer);
  CHECK(stage.sent() == Texts{test::oack({{"blksize", "1024"}}), ack(7), error_packet(3, "no room")});
  CHECK(transfer->script->heard == "sent sent ");
  CHECK(transfer->did == "perform ");
}

TEST_CASE("a client that turns a transfer away with its first word has not answered it") {
  Stage stage;
  stage.begin()->hear(error_packet(5, "Unknown transfer ID"));
  CHECK(stage.ends == 1);
  CHECK(stage.answers == 0);
}

TEST_CASE("a client whose first word ends the transfer, for it has all, has answered it") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->packet(bytes_of(ack(1)), Clock::now());
  transfer->script->end(tftp::Cause::complete);
  transfer->go_on(Clock::now());
  CHECK(stage.answers == 1);
  CHECK(stage.ends == 1);
}

TEST_CASE("while an action waits no other is begun, and packets are heard all the same") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->performs = false;
  transfer->perform_next(tftp::SendData{});
  transfer->perform_next(tftp::SendAck{1});
  transfer->hear(ack(0));
  transfer->resume();
  CHECK(stage.sent().empty());
  CHECK(stage.answers == 0);
  CHECK(transfer->script->heard == "packet ");
  CHECK(transfer->did == "perform resume ");
  transfer->performs = true;
  transfer->resume();
  CHECK(stage.sent() == Texts{ack(1)});
  CHECK(stage.answers == 1);
}

TEST_CASE("the end of a transfer is told with all that it came to") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->script->file_bytes = 600;
  transfer->found_binary();
  transfer->end(tftp::Cause::complete);
  REQUIRE(stage.told.ended.size() == 1);
  const auto& ended = stage.told.ended[0];
  CHECK(ended.number == stage.told.began.at(0).number);
  CHECK(ended.client == "192.0.2.1");
  CHECK(ended.asked == "ap1g8");
  CHECK(ended.name == "/EWC/17_9_4a/ap1g8");
  CHECK_FALSE(ended.write);
  CHECK(ended.size == 1000);
  CHECK(ended.bytes == 600);
  CHECK(ended.how.cause == tftp::Cause::complete);
  REQUIRE(ended.tftp);
  CHECK(ended.tftp->block_size == 1024);
  CHECK(ended.tftp->damages);
  CHECK_FALSE(ended.tftp->netascii);
  CHECK_FALSE(ended.tftp->single_port);
}

TEST_CASE("requests of one client that nobody answered are told of once, and answered ones each time") {
  Stage stage;
  for (int i = 0; i < 3; ++i) stage.begin()->end(tftp::Cause::silence);
  CHECK(stage.told.ended.size() == 1);
  for (int i = 0; i < 3; ++i) {
    const auto transfer = stage.begin();
    transfer->hear(ack(0));
    transfer->end(tftp::Cause::silence);
  }
  CHECK(stage.told.ended.size() == 4);
  CHECK(stage.ends == 6);
}

TEST_CASE("who asked by broadcast and says nothing, or ERROR 5, has taken another server's answer") {
  struct Row {
    bool by_broadcast, answers;
    std::optional<unsigned> code;  // of the client's ERROR; else it falls silent
    std::uint64_t bytes;
    tftp::Cause told;
  };
  for (const auto& row : std::vector<Row>{
           {true, false, {}, 0, tftp::Cause::other_server},
           {true, false, 5, 0, tftp::Cause::other_server},
           {true, true, 5, 0, tftp::Cause::other_server},
           {true, true, 5, 1, tftp::Cause::client_error},
           {true, false, 0, 0, tftp::Cause::client_error},
           {true, true, {}, 0, tftp::Cause::silence},
           {false, false, {}, 0, tftp::Cause::silence},
           {false, false, 5, 0, tftp::Cause::client_error},
       }) {
    CAPTURE(row.by_broadcast);
    CAPTURE(row.answers);
    CAPTURE(row.code.value_or(99));
    Stage stage;
    const auto transfer = stage.begin(row.by_broadcast);
    if (row.answers) transfer->hear(ack(0));
    transfer->script->file_bytes = row.bytes;
    if (row.code) {
      transfer->hear(error_packet(*row.code, "words"));
    } else {
      transfer->end(tftp::Cause::silence);
    }
    REQUIRE(stage.told.ended.size() == 1);
    CHECK(stage.told.ended[0].how.cause == row.told);
    CHECK(stage.told.ended[0].tftp->by_broadcast == row.by_broadcast);
  }
}

TEST_CASE("a transfer that the server itself ends keeps its cause, by broadcast too") {
  Stage stage;
  const auto transfer = stage.begin(true);
  transfer->stop();
  REQUIRE(stage.told.ended.size() == 1);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::shutdown);
}

TEST_CASE("a transfer that breaks off is told, gives all back once, and does nothing after that") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->broke_off("short of memory");
  transfer->broke_off("short of memory");
  CHECK(stage.ends == 1);
  CHECK(stage.limits->transfers() == 0);
  CHECK(stage.running.rows().empty());
  REQUIRE(stage.told.ended.size() == 1);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::broke_off);
  CHECK(stage.told.ended[0].how.text == "short of memory");
  REQUIRE(stage.told.warned.size() == 1);
  CHECK(stage.told.warned[0].text == "a TFTP request broke off: short of memory");
  transfer->perform_next(tftp::SendAck{1});
  transfer->resume();
  CHECK(stage.sent().empty());
  CHECK(transfer->did == "closed ");
}

TEST_CASE("what an action throws in the timer's turn ends its transfer, and the loop goes on") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->on_perform = [] { throw std::bad_alloc(); };
  transfer->script->on_timeout = [&] { transfer->script->actions.emplace_back(tftp::SendData{}); };
  transfer->script->wait_until(Clock::now() - 1s);
  transfer->go_on(Clock::now());
  stage.settle();
  CHECK(stage.ends == 1);
  REQUIRE(stage.told.ended.size() == 1);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::broke_off);
}

TEST_CASE("a deadline that has passed is told once, and an earlier one takes the place of a later") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->script->wait_until(Clock::now() + 1h);
  transfer->go_on(Clock::now());
  stage.settle();
  CHECK(transfer->script->heard.empty());
  transfer->script->wait_until(Clock::now() - 1s);
  transfer->go_on(Clock::now());
  stage.settle();
  CHECK(transfer->script->heard == "timeout ");
}

TEST_CASE("what a machine wants after a timeout is done at once") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->script->on_timeout = [&] { transfer->script->actions.emplace_back(tftp::SendAck{3}); };
  transfer->script->wait_until(Clock::now() - 1s);
  transfer->go_on(Clock::now());
  stage.settle();
  CHECK(stage.sent() == Texts{ack(3)});
}

TEST_CASE("a transfer that is gone when its time comes is not told of it") {
  Stage stage;
  auto transfer = stage.begin();
  transfer->script->wait_until(Clock::now() - 1s);
  transfer->go_on(Clock::now());
  transfer.reset();
  stage.settle();
  CHECK(stage.limits->transfers() == 0);
  CHECK(stage.told.ended.empty());
}

TEST_CASE("a transfer that shall give way ends at its client's next silence, and not before") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->give_way();
  CHECK(stage.ends == 0);
  const auto time_out = [&](bool tries) {
    transfer->script->on_timeout = [&transfer, tries] {
      if (tries) transfer->script->try_again();
    };
    transfer->script->wait_until(Clock::now() - 1s);
    transfer->go_on(Clock::now());
    stage.settle();
  };
  time_out(false);  // a timer that fires early
  transfer->hear(ack(1));
  CHECK(stage.ends == 0);
  time_out(true);
  CHECK(stage.ends == 1);
  REQUIRE(stage.told.ended.size() == 1);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::new_request);
}

TEST_CASE("a transfer that hangs gives way at once, and one that nobody needs goes on trying") {
  Stage stage;
  const auto hanging = stage.begin(), trying = stage.begin();
  for (const auto& transfer : {hanging, trying}) {
    transfer->hear(ack(0));
    transfer->script->on_timeout = [script = transfer->script] { script->try_again(); };
    transfer->script->wait_until(Clock::now() - 1s);
    transfer->go_on(Clock::now());
  }
  stage.settle();
  CHECK(stage.ends == 0);
  hanging->give_way();
  CHECK(stage.ends == 1);
  CHECK(trying->hangs());
}

TEST_CASE("a transfer that hangs for long gives way, until its client moves on") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->script->on_timeout = [script = transfer->script] { script->try_again(); };
  transfer->script->wait_until(Clock::now() - 1s);
  CHECK_FALSE(stage.gives_way(1min));
  transfer->go_on(Clock::now());
  stage.settle();
  CHECK_FALSE(stage.gives_way());
  CHECK(stage.gives_way(1min) == transfer->place());
  transfer->hear(ack(1));
  CHECK_FALSE(stage.gives_way(1min));
}

TEST_CASE("a transfer hangs after a timeout and so long without an answer, or from its end on") {
  Stage stage;
  const auto looking = stage.ask("ap1g8");
  CHECK_FALSE(looking->hangs());
  CHECK_FALSE(looking->is_done());
  CHECK(looking->is_unanswered(0s));
  CHECK_FALSE(looking->is_unanswered(1h));
  const auto transfer = stage.begin();
  transfer->script->try_again();
  CHECK_FALSE(transfer->hangs());  // nobody has answered yet: its client may be slow
  CHECK(transfer->is_unanswered(0s));
  CHECK_FALSE(transfer->is_unanswered(1h));
  transfer->hear(ack(0));
  CHECK_FALSE(transfer->hangs());
  CHECK_FALSE(transfer->is_unanswered(0s));
  transfer->script->try_again();
  CHECK(transfer->hangs());
  CHECK_FALSE(transfer->hangs(1h));
  transfer->hear(ack(1));
  CHECK_FALSE(transfer->hangs());
  CHECK_FALSE(transfer->is_done());
  transfer->script->dallies = true;
  transfer->end(tftp::Cause::complete);
  CHECK(transfer->hangs(1h));
  CHECK(transfer->is_done());
}

TEST_CASE("a transfer is for the same name and the same direction") {
  Stage stage;
  const auto transfer = stage.ask("/EWC/ap1g8");
  tftp::Request request;
  request.filename = "/EWC/ap1g8";
  CHECK(transfer->is_for(request));
  request.write = true;
  CHECK_FALSE(transfer->is_for(request));
  request.write = false;
  request.filename = "/EWC/AP1G8";
  CHECK_FALSE(transfer->is_for(request));
}

TEST_CASE("a request that is stopped while it is looked up begins nothing") {
  for (const auto stop : {+[](Asked& transfer) { transfer.stop(); },
                          +[](Asked& transfer) { transfer.abandon(tftp::Cause::gave_way); },
                          +[](Asked& transfer) { transfer.give_way(), transfer.stop(); }}) {
    Stage stage;
    const auto transfer = stage.ask("ap1g8");
    bool was_stopped = false;
    transfer->on_look_up = [&was_stopped](Asked& asked) { was_stopped = asked.stopped(); };
    CHECK_FALSE(transfer->stopped());
    stop(*transfer);
    stage.start(*transfer);
    CHECK(was_stopped);
    CHECK(stage.ends == 1);
    CHECK(stage.sent().empty());
    CHECK(stage.told.order.empty());
  }
}

TEST_CASE("whatever comes before a request was looked up changes nothing") {
  Stage stage;
  const auto transfer = stage.ask("ap1g8");
  transfer->hear(ack(1));
  transfer->hear(error_packet(0, "no"));
  transfer->refused();
  transfer->repeated(100);
  CHECK_FALSE(transfer->expects_more());
  transfer->on_look_up = [](Asked& asked) { asked.begin_script(); };
  stage.start(*transfer);
  CHECK(stage.ends == 0);
  CHECK(stage.told.order == Texts{"requested"});
}

TEST_CASE("a client is told when the server ends, or an administrator stops its transfer") {
  Stage stage;
  const auto first = stage.begin(), second = stage.begin();
  for (const auto& transfer : {first, second}) transfer->hear(ack(0));
  first->stop();
  CHECK(stage.sent() == Texts{error_packet(0, "The server is shutting down")});
  REQUIRE(stage.running.rows().size() == 1);
  const auto id = stage.running.rows().begin()->first;
  CHECK(stage.running.stop(id));
  CHECK(stage.sent() == Texts{error_packet(0, "Stopped by the administrator")});
  CHECK_FALSE(stage.running.stop(id));
  REQUIRE(stage.told.ended.size() == 2);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::shutdown);
  CHECK(stage.told.ended[1].how.cause == tftp::Cause::stopped);
  CHECK(stage.ends == 2);
}

TEST_CASE("a transfer that only dallies ends where the server does, whether it dallies by then or later") {
  Stage stage;
  const auto dallying = stage.begin(), flowing = stage.begin();
  for (const auto& transfer : {dallying, flowing}) {
    transfer->hear(ack(0));
    transfer->script->dallies = true;
  }
  dallying->end(tftp::Cause::complete);
  CHECK(stage.told.ended.size() == 1);
  CHECK(stage.ends == 0);
  dallying->end_dallying();
  CHECK(stage.ends == 1);
  flowing->end_dallying();
  CHECK(stage.ends == 1);
  flowing->end(tftp::Cause::complete);
  CHECK(stage.ends == 2);
}

TEST_CASE("a client whose port is closed ends its transfer") {
  Stage stage;
  const auto told = stage.begin(), found_out = stage.begin();
  for (const auto& transfer : {told, found_out}) transfer->hear(ack(0));
  told->refused();
  told->go_on(Clock::now());
  CHECK(stage.ends == 1);
  stage.client.close();
  stage.run_until([&] {
    if (stage.ends == 1)
      found_out->perform_next(tftp::SendAck{1});  // ICMP answers it, and the next one fails
    return stage.ends == 2;
  });
  REQUIRE(stage.told.ended.size() == 2);
  for (const auto& ended : stage.told.ended) CHECK(ended.how.cause == tftp::Cause::port_closed);
}

TEST_CASE("a packet that cannot be sent is like a lost one") {
  Stage stage;
  const auto transfer = stage.begin(false, -1);
  transfer->perform_next(tftp::SendAck{1});
  CHECK(transfer->script->heard == "sent ");
  CHECK(stage.ends == 0);
  transfer->hear(ack(0));
  CHECK(stage.answers == 1);
}

TEST_CASE("the first of two ends counts: an ERROR that comes after the end is not told") {
  Stage stage;
  const auto transfer = stage.begin();
  transfer->hear(ack(0));
  transfer->end(tftp::Cause::complete);
  transfer->hear(error_packet(3, "no room"));
  transfer->stop();
  transfer->abandon(tftp::Cause::new_request);
  REQUIRE(stage.told.ended.size() == 1);
  CHECK(stage.told.ended[0].how.cause == tftp::Cause::complete);
  CHECK(stage.ends == 1);
  CHECK(stage.sent().empty());
}
