#pragma once
#include "protocols/scp/command.hpp"
#include "protocols/scp/name_search.hpp"
#include "protocols/scp/session.hpp"

namespace scp {

// `scp -f`: sends files, and with -r directories, to the client.
class Source final : public Session {
 public:
  explicit Source(Command command);

  bool misses(const Operation&) const override { return true; }
  bool outlives_client() const override { return false; }

 private:
  enum class State { begins, next, times, record, data, status, directory_times, directory, directory_end };
  // What to send: its name is built from the client's, for people.
  struct Item {
    std::string name;
    storage::Path path;
    std::optional<storage::Attributes> attributes;
  };
  struct Folder {
    Item item;
    std::vector<storage::Entry> entries;  // a portion of them, from `next` on still to be sent
    std::size_t next = 0;
    bool read = false;  // to its end
  };
  // A pattern's matches are sorted, as a shell does it, so they are all found first.
  struct Search {
    std::string name;    // with the pattern, as the client wrote it
    std::string folder;  // that the client wrote in front of it
    storage::Path path;  // of that folder
    std::shared_ptr<NameSearch> found;
    std::size_t next = 0;  // of what was found
  };

  bool step() override;
  void answered(const Answer& answer) override { (this->*then_)(answer); }
  bool under_way() const override { return state_ != State::begins; }
  void ask(Operation operation, void (Source::*then)(const Answer&));

  bool hear();
  void heard(bool ok);

  void next();
  void next_entry();
  void next_name();
  void start(Item item);
  void examined(const Answer& answer);
  void start_kind();

  bool search(const Name& name);
  void search_opened(const Answer& answer);
  void search_read(const Answer& answer);
  void search_over(const Answer& answer);
  void next_found();

  void file_opened(const Answer& answer);
  void file_examined(const Answer& answer);
  void send_file_record();
  void send_data();
  void data_read(const Answer& answer);
  void pad();
  void close_file(State then);
  void file_closed(const Answer& answer);

  void start_directory();
  void directory_opened(const Answer& answer);
  void send_directory_record();
  void directory_read(const Answer& answer);
  void leave_directory(bool with_end);
  void directory_left(const Answer& answer);
  void directory_dropped(const Answer& answer);
  bool is_open(const storage::Attributes& attributes) const;
  std::uint32_t folder_handle() const;
  std::string sent_name() const;

  const Command command_;
  void (Source::*then_)(const Answer&) = nullptr;
  State state_ = State::begins;
  State after_close_ = State::next;
  std::size_t next_name_ = 0;
  std::optional<Search> search_;
  std::vector<Folder> folders_;  // the way down to where we are
  Item item_;
  std::uint64_t offset_ = 0, size_ = 0;
  std::span<std::byte> room_;
  std::string trouble_;  // with the file being sent, told behind its bytes
};

}  // namespace scp
