#pragma once
#include "protocols/scp/command.hpp"
#include "protocols/scp/session.hpp"

namespace scp {

// `scp -t`: receives files, and with -r directories, from the client.
class Sink final : public Session {
 public:
  // `may_write` false: the client is told `why_not`, so that it can show it, and nothing is asked.
  Sink(Command command, bool may_write, std::string why_not = {});

  // A client that uploads examines the name first: that it is missing is as it should be.
  bool misses(const Operation& operation) const override {
    return !std::holds_alternative<Examine>(operation);
  }
  // An upload of which every byte is here is kept: libssh2 waits for no answer.
  bool outlives_client() const override { return true; }

 private:
  enum class State { begins, record, data, status };
  struct Target {
    std::string name;  // for people
    storage::Path path;
    bool is_directory = false;
    std::optional<Times> times = {};  // for a directory, once all is in it
  };

  bool step() override;
  void answered(const Answer& answer) override { (this->*then_)(answer); }
  bool under_way() const override { return state_ > State::record || targets_.size() > 1; }
  void ask(Operation operation, void (Sink::*then)(const Answer&));

  void start();
  void target_examined(const Answer& answer);

  bool read_record();
  void take(const FileRecord& record);
  void take(const DirectoryRecord& record);
  void take(DirectoryEnd);
  void take(const Times& times);
  void directory_times_set(const Answer& answer);
  std::optional<Target> destination(const std::string& name);

  void made(const Answer& answer);
  void in_the_way(const Answer& answer);
  void enter();

  void created(const Answer& answer);
  bool take_data();
  void wrote(const Answer& answer);
  void write_abandoned(const Answer& answer);
  bool take_status();
  void take_good_status();
  void times_set(const Answer& answer);
  void published(const Answer& answer);
  void file_over(const Answer& answer);
  void given_up(const Answer& answer);
  void end(const Answer& answer);
  void abandon(void (Sink::*then)(const Answer&));
  void break_off();

  Target& folder() { return targets_.back(); }

  const Command command_;
  const bool may_write_;
  const std::string why_not_;
  void (Sink::*then_)(const Answer&) = nullptr;
  State state_ = State::begins;
  std::vector<Target> targets_;  // the command's, and the directories down to where we are
  Target current_;               // what is being made
  std::optional<Times> times_;   // for the next file or directory
  std::error_code refused_;
  std::uint64_t offset_ = 0, size_ = 0;
  std::size_t writing_ = 0;  // bytes
  std::string trouble_;      // with the file being received, told behind its bytes
};

}  // namespace scp
