// A write, as it is or of a text, by a client that sends any blocks, to a disk that may be slow or fail.
#include "protocols/tftp/write_transfer.hpp"

#include <cstdint>
#include <cstring>

#include "tests/fuzz/tftp_driver.hpp"

using namespace tftp;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

// What is to be stored of the blocks that were accepted. A text's CR waits for its second byte.
class Content {
 public:
  explicit Content(Mode mode) : text_(mode == Mode::netascii) {}

  void add(Bytes block) {
    if (!text_) {
      bytes_.insert(bytes_.end(), block.begin(), block.end());
      return;
    }
    for (const auto byte : block) add_text(byte);
  }
  void finish() {
    if (std::exchange(held_, false)) bytes_.push_back(cr);
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  static constexpr std::byte cr{'\r'}, lf{'\n'}, nul{0};

  void add_text(std::byte byte) {
    const bool pair = held_ && (byte == lf || byte == nul);
    if (pair) {
      held_ = false;
      return bytes_.push_back(byte == lf ? lf : cr);
    }
    finish();
    held_ = byte == cr;
    if (!held_) bytes_.push_back(byte);
  }

  const bool text_;
  bool held_ = false;
  std::vector<std::byte> bytes_;
};

class Write final : public fuzz::TftpDriver {
 public:
  Write(fuzz::Input& in, const Negotiated& negotiated, Mode mode, std::uint64_t most)
      : TftpDriver(in, negotiated, Opcode::data),
        announced_(negotiated.announced_size),
        text_(mode == Mode::netascii),
        most_(most),
        content_(mode),
        machine_(negotiated, mode, most, now_) {}

 private:
  Transfer& machine() override { return machine_; }
  bool busy() const override { return storing_ || publishing_; }

  void perform(const Action& action) override {
    if (const auto* ack = std::get_if<SendAck>(&action)) return acknowledge(ack->number);
    if (const auto* store = std::get_if<Store>(&action)) {
      require(store->offset == stored_ && !store->bytes.empty(), "what is stored follows what was stored");
      storing_ = *store;
    } else {
      require(std::holds_alternative<Publish>(action), "a write sends no DATA");
      require(whole_ && !published_ && all_stored(), "what is published is whole, and published once");
      publishing_ = true;
    }
    if (!disk_is_slow()) disk_is_done();
  }

  void acknowledge(std::uint16_t number) {
    require(number == numbers_.wire(received_), "an ACK is of the last block that came in its order");
    require(all_stored() && whole_ == published_,
            "what is acknowledged is stored, and a whole file published");
    since_ack_ = 0;
    sent(4);
  }
  bool all_stored() const { return stored_ == content_.bytes().size(); }

  void disk_is_done() override {
    if (storing_) return store();
    publishing_ = false;
    published_ = true;
    published_at_ = now_;
    machine_.published(now_);
  }
  void store() {
    const auto [offset, bytes] = *std::exchange(storing_, std::nullopt);
    stored_ += bytes.size();
    require(stored_ <= most_, "no more is stored than is allowed");
    require(stored_ <= content_.bytes().size() &&
                std::memcmp(bytes.data(), content_.bytes().data() + offset, bytes.size()) == 0,
            "what is stored is what came, however long the disk took");
    machine_.stored(now_);
  }

  void disk_fails() override {
    if (!busy()) return;
    if (storing_) store();
    publishing_ = false;
    machine_.failed(ErrorCode::disk_full, text_of(ErrorCode::disk_full));
    must_end(Cause::unwritable);
  }

  void answer() override {
    const auto near = received_ + in_.ConsumeIntegralInRange<std::uint64_t>(0, window_ + 4) - 2;
    const auto block = in_.ConsumeBool() ? near : received_ + 1;
    const auto size = in_.PickValueInArray({block_size_, block_size_, block_size_, block_size_ - 1,
                                            block_size_ + 1, std::size_t{0}, std::size_t{1}});
    receive(data(block, size, pattern()));
  }

  // Of a text: line ends, for the most part.
  std::vector<std::byte> pattern() {
    auto bytes = in_.ConsumeBytes<std::byte>(in_.ConsumeIntegralInRange<std::size_t>(0, 8));
    constexpr std::array letters{std::byte{0}, std::byte{'\r'}, std::byte{'\n'}, std::byte{'c'}};
    for (auto& byte : bytes) {
      if (text_) byte = letters[std::to_integer<unsigned>(byte) % letters.size()];
    }
    return bytes;
  }

  // `pattern` again and again.
  std::vector<std::byte> data(std::uint64_t block, std::size_t size,
                              const std::vector<std::byte>& pattern) const {
    std::vector<std::byte> packet(data_header_size + size);
    encode_data_header(std::span(packet).first<data_header_size>(), numbers_.wire(block));
    auto left = std::span(packet).subspan(data_header_size);
    while (!left.empty() && !pattern.empty()) {
      const auto piece = std::min(left.size(), pattern.size());
      std::copy_n(pattern.begin(), piece, left.begin());
      left = left.subspan(piece);
    }
    return packet;
  }

  void go_far() override {
    auto packet = data(0, block_size_, {});
    while (received_ < 65'520 && !machine_.ended()) {
      for (std::uint64_t i = 0; i < window_; ++i) {
        encode_data_header(std::span(packet).first<data_header_size>(), numbers_.wire(received_ + 1));
        receive(packet);
      }
      go_on();
    }
  }

  void taken(Bytes packet) override {
    const auto block = packet.subspan(data_header_size);
    if (whole_) return;
    if (block.size() > block_size_) return must_end(Cause::long_block);
    if (is_ahead(1, packet) && since_ack_ < window_) return accepted(block);
    if (received_ == 0 && is_gap(packet) && !std::exchange(gap_told_, true)) unanswered_.allow_one();
  }
  bool is_gap(Bytes packet) const {
    for (std::uint64_t blocks = 2; blocks <= window_; ++blocks) {
      if (is_ahead(blocks, packet)) return true;
    }
    return false;
  }
  bool is_ahead(std::uint64_t blocks, Bytes packet) const {
    return number_at(packet, 2) == numbers_.wire(received_ + blocks);
  }

  void accepted(Bytes block) {
    got_on();
    ++received_;
    ++since_ack_;
    content_.add(block);
    const bool last = block.size() < block_size_;
    if (last) content_.finish();
    const auto size = content_.bytes().size();
    if (announced_ && size > *announced_) return must_end(Cause::wrong_size);
    if (size > most_) return must_end(Cause::too_large);
    if (last && announced_ && *announced_ != size) return must_end(Cause::wrong_size);
    whole_ = last;
  }

  void check_end(const Finished& how) override {
    require(how.cause != Cause::unconfirmed, "a write sends nothing");
    if (how.cause != Cause::complete) return;
    require(published_ && all_stored() && since_ack_ == 0, "what was received is published and acknowledged");
  }

  void check() override {
    if (busy()) require(!machine_.poll(), "while the disk works nothing is asked");
    if (machine_.over()) return;
    require(machine_.bytes() == content_.bytes().size(), "what came in its order is taken, and nothing else");
    require(machine_.bytes() - stored_ <= window_ * block_size_ + 1,
            "no more than a window is held in memory");
    if (busy()) return;
    require(since_ack_ < window_ && whole_ == published_, "nobody waits for an ACK that is due");
    if (published_) require(machine_.deadline() <= published_at_ + 30s, "dallying ends");
  }

  const std::optional<std::uint64_t> announced_;
  const bool text_;
  const std::uint64_t most_;
  Content content_;
  std::uint64_t received_ = 0, since_ack_ = 0;  // blocks
  std::uint64_t stored_ = 0;                    // bytes
  bool gap_told_ = false, whole_ = false, publishing_ = false, published_ = false;
  Time published_at_{};
  std::optional<Store> storing_;
  WriteTransfer machine_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const auto mode = in.ConsumeBool() ? Mode::netascii : Mode::octet;
  const auto negotiated = fuzz::some_negotiated(in, true, mode);
  const std::uint64_t block_size = negotiated.block_size;
  const auto few = in.ConsumeIntegralInRange<std::uint64_t>(0, 4) * block_size +
                   in.PickValueInArray({std::uint64_t{0}, std::uint64_t{1}, block_size - 1});
  // The driver refuses what announces more than it may be.
  const auto most = in.ConsumeBool() ? std::max(few, negotiated.announced_size.value_or(0)) : 1ULL << 40;
  const bool far = block_size < 16 && negotiated.window >= 16 && fuzz::begins_far(data, size);
  Write(in, negotiated, mode, most).run(far);
  return 0;
}
