fn main() {
    println!("sum {}", adder::add(40, 2));
}
