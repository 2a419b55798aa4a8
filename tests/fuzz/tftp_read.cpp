// A read of a file of known size, or of a text whose end shows only as it is read. The client says anything.
#include "protocols/tftp/read_transfer.hpp"

#include <cstdint>
#include <limits>

#include "tests/fuzz/tftp_driver.hpp"

using namespace tftp;
using fuzz::require;

namespace {

std::vector<std::byte> ack(std::uint16_t number) {
  const auto packet = encode_ack(number);
  return {packet.begin(), packet.end()};
}

class Read final : public fuzz::TftpDriver {
 public:
  Read(fuzz::Input& in, const Negotiated& negotiated, Mode mode, std::uint64_t size)
      : TftpDriver(in, negotiated, Opcode::ack),
        size_(size),
        last_(size / block_size_ + 1),
        text_(mode == Mode::netascii),
        end_known_(!text_),
        machine_(negotiated, text_ ? std::nullopt : std::optional(size), now_) {}

 private:
  Transfer& machine() override { return machine_; }
  bool busy() const override { return leaving_.has_value(); }

  void perform(const Action& action) override {
    const auto* data = std::get_if<SendData>(&action);
    require(data != nullptr, "a read sends DATA");
    require(answered_ || !oack_, "no DATA leaves before ACK 0 when there is an OACK");
    const auto end = data->block + data->count - 1;
    require(data->count > 0 && data->block > acked_ && end <= acked_ + window_,
            "DATA lies inside the window");
    require(data->block <= highest_ + 1, "no block is left out");
    if (window_ == 1 && data->block <= highest_) {
      require(std::exchange(may_repeat_, false), "in lockstep only a timeout repeats DATA");
    }
    check_range(*data, end);
    highest_ = std::max(highest_, end);
    leaving_ = *data;
    left_late_ = now_ >= due_;
    if (!disk_is_slow()) disk_is_done();
  }

  void check_range(const SendData& data, std::uint64_t end) const {
    require(data.offset == (data.block - 1) * block_size_, "a block's bytes lie where they must");
    const auto full = data.count * block_size_;
    if (!end_known_) return require(data.size == full, "of a text whole blocks are named");
    require(end <= last_, "no DATA lies beyond the file");
    require(data.size == std::min(full, size_ - data.offset), "a block is full unless it is the last one");
  }

  void disk_is_done() override {
    const auto data = *std::exchange(leaving_, std::nullopt);
    if (machine_.ended()) return machine_.sent(now_);
    tell_end(data);
    const auto end = std::min(data.block + data.count - 1, last_);
    const auto bytes = std::min(data.count * block_size_, size_ - data.offset);
    sent(data_header_size * (end - data.block + 1) + bytes);
    require(left_late_ || machine_.deadline() > now_, "a slow disk is no slow client");
  }

  void tell_end(const SendData& data) {
    if (data.block + data.count <= last_ || !text_) return;
    machine_.ends_with(last_, size_ % block_size_);
    end_known_ = true;
    highest_ = std::min(highest_, last_);
    acked_ = std::min(acked_, last_);  // a client may acknowledge what it cannot have
  }

  void disk_fails() override {
    if (!busy()) return;
    const bool cut = in_.ConsumeBool();
    cut ? machine_.file_changed() : machine_.file_unreadable("a disk");
    must_end(cut ? Cause::file_changed : Cause::unreadable);
    disk_is_done();
  }

  void answer() override {
    const auto near = acked_ + in_.ConsumeIntegralInRange<std::uint64_t>(0, window_ + 4) - 2;
    receive(ack(numbers_.wire(in_.ConsumeBool() ? near : highest_)));
  }

  void go_far() override {
    for (receive(ack(0)); acked_ + 3 * window_ < 65536; receive(ack(numbers_.wire(highest_)))) go_on();
  }

  void taken(Bytes packet) override {
    // ACK 0 is the OACK's; and a number is that of the first block it can mean.
    for (auto block = acked_; block <= highest_; ++block) {
      if (numbers_.wire(block) == number_at(packet, 2)) return acknowledged(block);
    }
  }
  void acknowledged(std::uint64_t block) {
    if (block > acked_ || (oack_ && !answered_)) got_on();
    // Not when it came before the block was read: such a client has nothing, and is given up.
    if (end_known_ && block > acked_ && block == last_) require(machine_.ended(), "the last ACK ends it");
    acked_ = block;
  }

  bool all_out() const { return end_known_ && highest_ == last_ && acked_ + window_ >= last_; }

  void check_end(const Finished& how) override {
    if (how.cause == Cause::complete) {
      require(end_known_ && acked_ == last_, "a file was sent when all of it was acknowledged");
    } else if (how.cause == Cause::unconfirmed) {
      require(all_out() && machine_.answered(), "nothing is sent before an ACK came");
    }
  }

  void check() override {
    const auto most = end_known_ ? size_ : std::numeric_limits<std::uint64_t>::max();
    require(machine_.bytes() == std::min(acked_ * block_size_, most), "bytes() is what was acknowledged");
    require(machine_.acknowledged_block() == acked_, "the ACKs are understood");
    if (busy() || machine_.ended() || (oack_ && !answered_)) return;
    const auto due = end_known_ ? std::min(acked_ + window_, last_) : acked_ + window_;
    require(highest_ >= due, "nothing is held back");
  }

  const std::uint64_t size_, last_;
  const bool text_;
  bool end_known_, left_late_ = false;
  std::uint64_t acked_ = 0, highest_ = 0;
  std::optional<SendData> leaving_;
  ReadTransfer machine_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const auto mode = in.ConsumeBool() ? Mode::netascii : Mode::octet;
  const auto negotiated = fuzz::some_negotiated(in, false, mode);
  const std::uint64_t block_size = negotiated.block_size;
  const auto full_blocks = in.ConsumeIntegralInRange<std::uint64_t>(0, 60);
  const auto rest = in.PickValueInArray({std::uint64_t{0}, std::uint64_t{1}, block_size - 1});
  const bool far = negotiated.window >= 16 && fuzz::begins_far(data, size);
  Read(in, negotiated, mode, (full_blocks + (far ? 65'530 : 0)) * block_size + rest).run(far);
  return 0;
}
